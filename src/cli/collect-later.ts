import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { Overlay } from "../index.ts";

const program = fileURLToPath(new URL("./main.js", import.meta.url));

/**
 * Has checkpoints packed together when there are many packs: `draftfs gc` in a process of its own,
 * at the lowest priority, that nobody waits for. It takes the lock only to exchange the packs, and
 * gives up when a commit holds it. `DRAFTFS_AUTO_GC=0` keeps it from starting.
 */
export function collectLater(overlay: Overlay): void {
  if (process.env["DRAFTFS_AUTO_GC"] === "0" || !overlay.isCollectionDue()) return;
  const trust = overlay.trustsOwner ? ["--trust-owner"] : [];
  const child = spawn(process.execPath, [program, "gc", "-C", overlay.root, ...trust], {
    cwd: "/",
    detached: true,
    stdio: "ignore",
  });
  // That it cannot start or be slowed down is no reason to fail what has been done already.
  child.on("error", () => undefined);
  child.unref();
  if (child.pid === undefined) return;
  try {
    setPriority(child.pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already.
  }
}
