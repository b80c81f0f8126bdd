import { nameOf, parentOf, type TreePath } from "../disk/tree-path.ts";
import type { Core } from "./core.ts";
import type { OpenFile } from "./descriptors.ts";
import { codeOf } from "./file-system-error.ts";
import type { DirectoryNode } from "./node.ts";
import { type ExistingPlace, exists, type Place } from "./path/path-walk.ts";

/**
 * Where in the merged tree something will lie, by its directory and name there now and its absolute
 * path in the lower; `undefined` when it will be gone.
 */
export type PathAfter = (
  at: { readonly directory: DirectoryNode; readonly name: string },
  lowerPath: string | undefined,
) => TreePath | undefined;

/**
 * Takes down where the files lie that are open on the lower, and what is watched, before the tree
 * forgets nodes or directories move in the lower: a file that is written to later must be copied up
 * where it lies then.
 *
 * @returns a function that finds them again.
 */
export function openPlaces(core: Core, pathAfter: PathAfter): () => void {
  const watchersFindAgain = core.tree.feed.leave(pathAfter);
  const paths = new Map<OpenFile, TreePath>();
  for (const file of core.descriptors.onLower) {
    const { place } = file;
    if (place?.found.kind !== "lower" || core.outsidePathOf(place) !== undefined) continue;
    const path = pathAfter(place, place.found.path);
    if (path !== undefined) paths.set(file, path);
  }
  return () => {
    for (const [file, path] of paths) {
      const place = placeAt(core, path);
      file.place = place !== undefined && isOpenThere(core, file, place) ? place : undefined;
    }
    watchersFindAgain();
  };
}

/** What lies at a path of the merged tree, links not followed; `undefined` for nothing. */
export function placeAt(core: Core, path: TreePath): ExistingPlace | undefined {
  try {
    const directory = core.tree.directoryAt(parentOf(path));
    const name = nameOf(path);
    const found = core.tree.lookup(directory, name);
    const place: Place = { directory, name, found, last: "name", trailingSlash: false };
    return exists(place) ? place : undefined;
  } catch (caught) {
    if (codeOf(caught) === undefined) throw caught;
    return undefined;
  }
}

function isOpenThere(core: Core, file: OpenFile, { found }: ExistingPlace): boolean {
  if (found.kind !== "lower" || file.lowerDescriptor === undefined) return false;
  const there = core.lower.lstatExact(found.path);
  const open = core.lower.fstat(file.lowerDescriptor);
  return there?.ino === open.ino && there.dev === open.dev;
}
