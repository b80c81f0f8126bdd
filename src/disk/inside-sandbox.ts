import { type MountPoint, readMountTable } from "./mount-table.ts";

/** The names of what namespaces of ours mount at `/proc`, each with a number of its own. */
const ownProcesses = /^draftfs-[0-9a-f]{8}-proc$/;

/**
 * Whether this process is a command that draftfs runs in a namespace: much of what draftfs needs is
 * not allowed there.
 */
export function isInsideSandbox(mounts: () => readonly MountPoint[] = readMountTable): boolean {
  try {
    return mounts().some(({ path, source }) => path === "/proc" && ownProcesses.test(source));
  } catch {
    // Not Linux, or no /proc: no namespace of ours is without.
    return false;
  }
}

/** What is so then. */
export const insideSandbox =
  "This process is a command that draftfs runs in a sandbox (draftfs run)";
