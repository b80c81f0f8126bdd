import type { Disk } from "../../disk/disk.ts";
import type { StateDirectory } from "../../disk/state/state-directory.ts";
import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import { ensureDirectory } from "../../objects/bare-repository.ts";

/**
 * Moves what recovery could not put in place to `conflicts/<sequence>/<path>`, where a person finds
 * it: a file, a link, or a directory with all that is in it.
 *
 * @param source absolute, on the same file system.
 * @returns where it is now, relative to the root.
 */
export function setAside(
  disk: Disk,
  state: StateDirectory,
  sequence: number,
  path: TreePath,
  source: string,
): TreePath {
  const isDirectory = disk.lstat(source)?.kind === "directory";
  const place = freePlace(disk, state, sequence, path, isDirectory);
  disk.rename(source, place);
  return place.slice(state.root.length + 1);
}

/** A file that an interrupted recovery has saved there is the same and may be replaced. */
function freePlace(
  disk: Disk,
  state: StateDirectory,
  sequence: number,
  path: TreePath,
  isDirectory: boolean,
): string {
  for (let attempt = 1; ; attempt++) {
    const suffix = attempt === 1 ? "" : `-${attempt}`;
    const place = `${state.conflicts}/${sequence}${suffix}/${path}`;
    if (!makeParent(disk, place)) continue;
    const found = disk.lstat(place);
    if (found === undefined) return place;
    if (found.kind !== "directory" && !isDirectory) return place;
  }
}

/** Whether the parent is a directory now; another kept file may be in its way. */
function makeParent(disk: Disk, place: string): boolean {
  try {
    ensureDirectory(disk, parentOf(place));
    return disk.lstat(parentOf(place))?.kind === "directory";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR" || code === "EEXIST" || code === "ENOENT") return false;
    throw error;
  }
}
