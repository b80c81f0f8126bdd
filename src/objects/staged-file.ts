import type { Allocation, Disk } from "../disk/disk.ts";
import { openAnew } from "../disk/open-anew.ts";
import { replacingStateFile } from "../disk/state/state-file.ts";

/** A file that lies whole beside its place. */
export interface StagedFile {
  /** Renames it into its place: what it replaces is never seen half-written. */
  publish(): void;
  /** Removes it; its place is as it was. */
  discard(): void;
}

/** Whether a file has these bytes already. */
export function holds(disk: Disk, path: string, bytes: Buffer): boolean {
  const found = disk.lstat(path);
  return found?.size === bytes.length && disk.readFile(path).equals(bytes);
}

/** Writes `<path>.new`. */
export function stageFile(disk: Disk, path: string, bytes: Uint8Array, mode = 0o644): StagedFile {
  const next = `${path}.new`;
  return fillStaged(disk, openAnew(disk, next, mode), bytes, { next, path });
}

/**
 * Writes the bytes of a file that has just been made, and closes it. Where that fails, the file is
 * gone again: nobody would clear it away.
 *
 * @param places where it lies, and where it belongs.
 * @param allocation of it, where that helps.
 */
export function fillStaged(
  disk: Disk,
  descriptor: number,
  bytes: Uint8Array,
  { next, path }: { readonly next: string; readonly path: string },
  allocation?: Allocation,
): StagedFile {
  try {
    try {
      if (allocation?.kind === "possible") allocation.allocate(descriptor, bytes.length);
      disk.write(descriptor, bytes, 0);
    } finally {
      disk.close(descriptor);
    }
  } catch (error) {
    try {
      disk.unlink(next);
    } catch {
      // What made the writing fail is what matters.
    }
    throw error;
  }
  return {
    publish: () => replacingStateFile(path, () => disk.rename(next, path)),
    discard: () => disk.unlink(next),
  };
}
