import { dataPiecesOf, openFile } from "../disk/data-pieces.ts";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";

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
  if (isLinked(disk, source, target)) return false;
  const wanted = disk.lstat(source);
  const found = disk.lstat(target);
  if (found !== undefined && found.size === wanted?.size) return false;
  return replaceByLinkOrCopy(disk, source, target);
}

/**
 * {@link linkOrCopy}, where another file that has the name, of whatever size, gives way: it is what
 * a power cut has left of one whose bytes only a slot of the journal kept.
 */
export function linkOrCopyAnew(disk: Disk, source: string, target: string): void {
  if (isLinked(disk, source, target)) return;
  const found = disk.lstat(target);
  const wanted = disk.lstat(source);
  const isOther = found?.ino !== wanted?.ino || found?.dev !== wanted?.dev;
  if (found !== undefined && isOther) disk.unlink(target);
  linkOrCopy(disk, source, target);
}

/**
 * Puts a second name of the file `source`, or a copy of it, in the place of whatever `target` is.
 *
 * @returns whether bytes were copied: they are not durable then.
 */
export function replaceByLinkOrCopy(disk: Disk, source: string, target: string): boolean {
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

/** Whether that was all: mostly nothing lies at the target. */
function isLinked(disk: Disk, source: string, target: string): boolean {
  try {
    disk.link(source, target);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (code === "EEXIST" || noLinkCodes.has(code)) return false;
    throw error;
  }
}

/** Copies the bytes of a file, piece by piece, into a new one; holes stay holes. */
export function copyFile(disk: Disk, source: string, target: string): void {
  const input = disk.open(source, openFlags.read);
  try {
    const output = disk.open(target, openFlags.createNew, 0o444);
    try {
      const { size } = disk.fstat(input);
      for (const { bytes, position } of dataPiecesOf(openFile(disk, input, size))) {
        disk.write(output, bytes, position);
      }
      disk.truncate(output, size);
    } finally {
      disk.close(output);
    }
  } finally {
    disk.close(input);
  }
}
