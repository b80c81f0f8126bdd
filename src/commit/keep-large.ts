import type { Disk } from "../disk/disk.ts";
import { type StateDirectory, stateDirectoryName } from "../disk/state-directory.ts";
import { absoluteOf, type TreePath } from "../disk/tree-path.ts";
import { copyFile, linkOrCopy } from "../objects/link-or-copy.ts";
import type { ObjectId } from "../objects/object-id.ts";
import type { CommitStore } from "./commit-store.ts";
import type { Directories } from "./directories.ts";

/** Where the bytes of large content are kept, relative to the root. */
export function largePathOf(oid: ObjectId): TreePath {
  return `${stateDirectoryName}/large/${oid}`;
}

/** Where all of it lies. */
export function largeDirectoryOf(state: StateDirectory): string {
  return absoluteOf(state.root, `${stateDirectoryName}/large`);
}

/**
 * Keeps files that no pack holds under a second name, because their first one is to be replaced.
 *
 * @param written the places of those that are written in place: their bytes are copied, or the
 *   second name would show the new ones.
 * @returns absolute paths of copies, which are to be made durable.
 */
export function keepLargeFiles(
  { disk, state }: CommitStore,
  directories: Directories,
  files: ReadonlyMap<TreePath, ObjectId>,
  written: ReadonlySet<TreePath>,
): string[] {
  if (files.size === 0) return [];
  const directory = largeDirectoryOf(state);
  if (disk.lstat(directory) === undefined) disk.mkdir(directory, 0o700);
  const copies: string[] = [];
  for (const [path, oid] of files) {
    const [source, target] = [directories.locate(path), absoluteOf(state.root, largePathOf(oid))];
    const isCopied = written.has(path)
      ? copyApart(disk, source, target)
      : linkOrCopy(disk, source, target);
    if (isCopied) copies.push(target);
  }
  return copies;
}

/** A copy that shares no inode with the file; one that is there already may, by an earlier undo. */
function copyApart(disk: Disk, source: string, target: string): boolean {
  const [wanted, found] = [disk.lstat(source), disk.lstat(target)];
  if (found !== undefined && found.size === wanted?.size && found.ino !== wanted.ino) return false;
  const next = `${target}.new`;
  if (disk.lstat(next) !== undefined) disk.unlink(next);
  copyFile(disk, source, next);
  disk.rename(next, target);
  return true;
}
