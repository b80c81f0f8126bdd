import { closeQuietly } from "./close-quietly.ts";
import type { Disk } from "./disk.ts";
import { openFlags } from "./open-flags.ts";

/** Makes the names in a directory durable. */
export async function syncDirectory(disk: Disk, path: string): Promise<void> {
  const descriptor = disk.open(path, openFlags.readDirectory);
  try {
    await disk.fsync(descriptor);
  } finally {
    closeQuietly(disk, descriptor);
  }
}

/** Makes the bytes of a file durable. */
export async function syncFile(disk: Disk, path: string): Promise<void> {
  const descriptor = disk.open(path, openFlags.read);
  try {
    await disk.fsync(descriptor);
  } finally {
    closeQuietly(disk, descriptor);
  }
}
