import { isSystemError } from "../commit/failure.ts";
import { sweepClaims } from "../commit/lock/lock.ts";
import { removeUnsigned } from "../commit/lock/unsigned-draft.ts";
import type { Disk } from "../disk/disk.ts";

/**
 * How old a file has to be that does not say whose it is, in milliseconds. Who takes a lock writes
 * it as soon as it is made, or when native calls are loaded, which takes some ten.
 */
const unsignedMs = 1000;

/**
 * Removes what processes have left that were killed while they took the lock of a draft, for who
 * has it. Its holder alone may sweep all of it: see {@link sweepClaims}.
 *
 * What says of no process whose it is goes too, once it is old, and sooner than with a root's lock:
 * as long as it lies there the directory of a draft that is empty cannot go.
 */
export function sweepLockDebris(disk: Disk, directory: string): void {
  try {
    sweepClaims(disk, directory, true);
    for (const { name } of disk.readdir(directory)) {
      const isDraft = /^lock\.\w+\.new$/.test(name);
      if (isDraft) removeUnsigned(disk, `${directory}/${name}`, unsignedMs);
    }
  } catch (error) {
    // Debris is in nobody's way, and whoever takes the lock next tries again.
    if (!isSystemError(error)) throw error;
  }
}
