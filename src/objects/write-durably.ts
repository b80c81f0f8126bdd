import { dirname } from "node:path";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { syncDirectory } from "../disk/sync-directory.ts";

/** Writes a file aside, makes it durable, renames it into place and makes its name durable. */
export async function writeDurably(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  mode: number,
): Promise<void> {
  const next = `${path}.new`;
  if (disk.lstat(next) !== undefined) disk.unlink(next);
  const descriptor = disk.open(next, openFlags.createNew, mode);
  try {
    disk.write(descriptor, bytes, 0);
    await disk.fsync(descriptor);
  } finally {
    disk.close(descriptor);
  }
  disk.rename(next, path);
  await syncDirectory(disk, dirname(path));
}
