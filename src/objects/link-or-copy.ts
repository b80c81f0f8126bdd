import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { chunkBytes } from "../limits.ts";

/** Where a file cannot have two names: another mount, a file system without links, too many. */
const noLinkCodes = new Set([
  "EXDEV",
  "EPERM",
  "EACCES",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EMLINK",
  "ENOSYS",
]);

/**
 * Gives the file `source` the second name `target`, or copies it where that is not possible.
 * A target of another size, which can only be debris, is replaced; a whole one stays.
 *
 * @returns whether bytes were copied: they are not durable then.
 */
export function linkOrCopy(disk: Disk, source: string, target: string): boolean {
  const wanted = disk.lstat(source);
  const found = disk.lstat(target);
  if (found !== undefined && found.size === wanted?.size) return false;
  const next = `${target}.new`;
  if (disk.lstat(next) !== undefined) disk.unlink(next);
  let isCopied = false;
  try {
    disk.link(source, next);
  } catch (error) {
    if (!noLinkCodes.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    copyFile(disk, source, next);
    isCopied = true;
  }
  disk.rename(next, target);
  return isCopied;
}

/** Copies the bytes of a file, piece by piece, into a new one. */
export function copyFile(disk: Disk, source: string, target: string): void {
  const input = disk.open(source, openFlags.read);
  try {
    const output = disk.open(target, openFlags.createNew, 0o444);
    try {
      const buffer = Buffer.allocUnsafeSlow(chunkBytes);
      for (let position = 0; ; ) {
        const bytesRead = disk.read(input, buffer, position);
        if (bytesRead === 0) break;
        disk.write(output, buffer.subarray(0, bytesRead), position);
        position += bytesRead;
      }
    } finally {
      disk.close(output);
    }
  } finally {
    disk.close(input);
  }
}
