import type { Disk } from "../../disk/disk.ts";
import { isSystemError } from "../failure.ts";
import { isTorn, readHolder } from "./lock-holder.ts";

/**
 * Removes what was to become a lock and says of nobody whose it is, once it is old: its taker was
 * killed before writing it, or a power cut has torn it. Who was only stopped meanwhile makes
 * another one, see `claimName`.
 *
 * @param ageMs from which on it is old.
 */
export function removeUnsigned(disk: Disk, path: string, ageMs: number): void {
  try {
    const found = disk.lstat(path);
    if (found === undefined || Date.now() - Number(found.mtimeNs / 1_000_000n) < ageMs) return;
    const holder = readHolder(disk, path);
    if (found.kind === "file" && holder !== undefined && isTorn(holder)) disk.unlink(path);
    // Where there are no links it is a directory, which is put in place with the file in it.
    else if (found.kind === "directory" && holder === undefined) disk.rmdir(path);
  } catch (error) {
    // It is in nobody's way, and whoever sweeps next tries again.
    if (!isSystemError(error)) throw error;
  }
}
