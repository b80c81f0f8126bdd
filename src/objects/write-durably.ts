import { dirname } from "node:path";
import type { Disk } from "../disk/disk.ts";
import { openAnew } from "../disk/open-anew.ts";
import { syncDirectory } from "../disk/sync-directory.ts";

/** Writes a file aside, makes it durable, renames it into place and makes its name durable. */
export async function writeDurably(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  mode: number,
): Promise<void> {
  const next = `${path}.new`;
  const descriptor = openAnew(disk, next, mode);
  try {
    disk.write(descriptor, bytes, 0);
    await disk.fsync(descriptor);
  } finally {
    disk.close(descriptor);
  }
  disk.rename(next, path);
  await syncDirectory(disk, dirname(path));
}
