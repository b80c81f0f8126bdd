import type { Disk } from "./disk.ts";
import { openFlags } from "./open-flags.ts";

/**
 * Opens a file that is a new inode, in the place of what a dead process may have left there, for
 * reading and writing.
 */
export function openAnew(disk: Disk, path: string, mode = 0o600): number {
  try {
    return disk.open(path, openFlags.createNew, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    disk.unlink(path);
    return disk.open(path, openFlags.createNew, mode);
  }
}
