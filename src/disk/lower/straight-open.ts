import fs from "node:fs";
import { constants } from "node:os";
import { isAbsence } from "../error-codes.ts";
import { decodeName, encodePath } from "../names.ts";
import { hasPinnedPaths, pinnedPath } from "../pinned-place.ts";

/** A directory on the way to a path is none any more, but a link. */
export class StrayedError extends Error {
  readonly code = "EACCES";
  readonly errno = -constants.errno.EACCES;
  readonly syscall: string;
  readonly path: string;

  constructor(syscall: string, path: string) {
    const reason = "permission denied, a directory on the way leads elsewhere now";
    super(`EACCES: ${reason}, ${syscall} '${path}'`);
    this.syscall = syscall;
    this.path = path;
  }
}

/** `O_PATH`: needs no right to read, and waits for nobody. */
const toLook = 0o10000000;

/** Opens what lies at a path itself, only to look at it. */
export const onlyToLook = toLook | (fs.constants.O_NOFOLLOW ?? 0);

/**
 * Opens what lies at an absolute path that no link on the way leads to, by Node's calls: its
 * directory is opened first, and the kernel tells where that lies (without procfs, nothing does).
 *
 * @throws {StrayedError}, and as `open(2)`.
 */
export function openStraight(path: string, flags: number): number {
  const end = path.lastIndexOf("/");
  if (end <= 0 || !hasPinnedPaths()) return fs.openSync(encodePath(path), flags);
  const directory = openDirectory(path.slice(0, end));
  try {
    return fs.openSync(encodePath(`${pinnedPath(directory)}${path.slice(end)}`), flags);
  } finally {
    fs.closeSync(directory);
  }
}

function openDirectory(path: string): number {
  try {
    const descriptor = fs.openSync(encodePath(path), toLook);
    if (placeOf(descriptor) === path) return descriptor;
    fs.closeSync(descriptor);
  } catch (error) {
    if (!isAbsence(error)) throw error;
    // It may be missing where a link leads to, which is not for us to tell.
    const descriptor = openStraight(path, onlyToLook);
    if (!fs.fstatSync(descriptor).isSymbolicLink()) return descriptor;
    fs.closeSync(descriptor);
  }
  throw new StrayedError("open", path);
}

/** Where an open file lies, in the kernel's own words; `undefined` where it does not tell. */
export function placeOf(descriptor: number): string | undefined {
  try {
    return decodeName(fs.readlinkSync(pinnedPath(descriptor), { encoding: "buffer" }));
  } catch {
    return undefined;
  }
}
