import { inspect } from "../calls/inspect.ts";
import { makeDirectory } from "../calls/name-changes.ts";
import type { Core } from "../core.ts";
import { codeOf, Fault } from "../file-system-error.ts";

/**
 * Makes a directory and all that are missing above it, as libuv's loop behind
 * `mkdir({ recursive: true })` does.
 *
 * @returns the first directory that was made, if any was.
 * @throws {Fault} what the first failing `mkdir` meets.
 */
export function makeDirectories(core: Core, path: string, mode: number): string | undefined {
  const pending = [path];
  let first: string | undefined;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    try {
      makeDirectory(core, next, mode);
      first ??= next;
    } catch (caught) {
      const code = codeOf(caught);
      if (code === "ENOENT") {
        const parent = parentOf(next);
        if (parent === next || next === "") throw caught;
        pending.push(next, parent);
      } else if (isFinal(code)) throw caught;
      else requireDirectory(core, next, code, pending.length > 0);
    }
  }
  return first;
}

function isFinal(code: string | undefined): boolean {
  return code === undefined || ["EACCES", "ENOSPC", "ENOTDIR", "EPERM"].includes(code);
}

function requireDirectory(
  core: Core,
  path: string,
  code: string | undefined,
  isParent: boolean,
): void {
  const isDirectory = inspect(core, path, { follow: true, bigint: false }).isDirectory();
  if (isDirectory) return;
  throw new Fault(code === "EEXIST" && isParent ? "ENOTDIR" : "EEXIST");
}

/** Textual, as in Node: a slash at the end is taken off first. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? path : path.slice(0, Math.max(1, slash));
}
