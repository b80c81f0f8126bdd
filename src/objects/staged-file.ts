import type { Disk } from "../disk/disk.ts";
import { openAnew } from "../disk/open-anew.ts";

/** A file that lies whole beside its place. */
export interface StagedFile {
  /** Renames it into its place: what it replaces is never seen half-written. */
  publish(): void;
  /** Removes it; its place is as it was. */
  discard(): void;
}

/** Writes `<path>.new`. */
export function stageFile(disk: Disk, path: string, bytes: Uint8Array, mode = 0o644): StagedFile {
  const next = `${path}.new`;
  const descriptor = openAnew(disk, next, mode);
  try {
    disk.write(descriptor, bytes, 0);
  } finally {
    disk.close(descriptor);
  }
  return { publish: () => disk.rename(next, path), discard: () => disk.unlink(next) };
}
