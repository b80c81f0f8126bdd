import { isSystemError } from "../commit/failure.ts";
import { sweepClaims } from "../commit/lock/lock.ts";
import { isTorn, readHolder } from "../commit/lock/lock-holder.ts";
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
 * What says of no process whose it is goes too, once it is old. Should somebody still be writing it
 * who was stopped that long, linking it in place fails with `ENOENT`; takers of a draft's lock meet
 * that in any case, when its directory goes, and begin anew. (Those of a root's lock do not.)
 */
export function sweepLockDebris(disk: Disk, directory: string): void {
  try {
    sweepClaims(disk, directory, true);
    for (const { name } of disk.readdir(directory)) {
      if (/^lock\.\w+\.new$/.test(name)) removeUnsigned(disk, `${directory}/${name}`);
    }
  } catch (error) {
    // Debris is in nobody's way, and whoever takes the lock next tries again.
    if (!isSystemError(error)) throw error;
  }
}

function removeUnsigned(disk: Disk, path: string): void {
  const found = disk.lstat(path);
  if (found === undefined || Date.now() - Number(found.mtimeNs / 1_000_000n) < unsignedMs) return;
  const holder = readHolder(disk, path);
  if (found.kind === "file" && holder !== undefined && isTorn(holder)) disk.unlink(path);
  // Where there are no links it is a directory, which is put in place with the file in it.
  else if (found.kind === "directory" && holder === undefined) disk.rmdir(path);
}
