import { type StateDirectory, stateDirectoryName } from "../disk/state-directory.ts";
import { absoluteOf, type TreePath } from "../disk/tree-path.ts";
import { linkOrCopy } from "../objects/link-or-copy.ts";
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
 */
export function keepLargeFiles(
  { disk, state }: CommitStore,
  directories: Directories,
  files: ReadonlyMap<TreePath, ObjectId>,
): void {
  if (files.size === 0) return;
  const directory = largeDirectoryOf(state);
  if (disk.lstat(directory) === undefined) disk.mkdir(directory, 0o700);
  for (const [path, oid] of files) {
    linkOrCopy(disk, directories.locate(path), absoluteOf(state.root, largePathOf(oid)));
  }
}
