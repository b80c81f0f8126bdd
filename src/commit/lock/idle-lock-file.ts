import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { type KeptFile, removeQuietly } from "./lock-names.ts";

/** The file of a lock that its process has given back, whole and locked in the kernel as it was. */
export interface IdleLockFile {
  readonly disk: Disk;
  /** The lock that it is for. */
  readonly lock: string;
  /** Its name while nobody has the lock. */
  readonly draft: string;
  readonly token: string;
  readonly kept: KeptFile;
}

/**
 * The one of this process, of the lock that was given back last: to take that again, it has only to
 * be linked in place. Making one takes seven calls more.
 */
let idle: IdleLockFile | undefined;
let isWatchingExit = false;

/** The file for a lock, which is the caller's then. */
export function takeIdleLockFile(disk: Disk, lock: string): IdleLockFile | undefined {
  if (idle?.lock !== lock || idle.disk !== disk) return undefined;
  const file = idle;
  idle = undefined;
  return file;
}

/** Keeps a file for the next time, in place of the one that was kept before. */
export function keepIdleLockFile(file: IdleLockFile): void {
  if (!isWatchingExit) process.once("exit", () => idle && dropLockFile(idle));
  isWatchingExit = true;
  if (idle !== undefined) dropLockFile(idle);
  idle = file;
}

/** Removes the file that is kept for a lock, if there is one. */
export function dropIdleLockFile(disk: Disk, lock: string): void {
  const file = takeIdleLockFile(disk, lock);
  if (file !== undefined) dropLockFile(file);
}

export function dropLockFile({ disk, draft, token, kept }: IdleLockFile): void {
  removeQuietly(disk, draft, token);
  closeQuietly(disk, kept.descriptor);
}
