import { nameOf, parentOf, type TreePath } from "../disk/tree-path.ts";
import type { Core } from "./core.ts";
import type { OpenFile } from "./descriptors.ts";
import { codeOf } from "./file-system-error.ts";
import type { DirectoryNode } from "./node.ts";
import { type ExistingPlace, exists, type Place } from "./path-walk.ts";

/**
 * Takes down where the files lie that are open on the lower, before directories are forgotten or
 * moved there: a file that is written to later must be copied up where it lies then.
 *
 * @param pathAfter where such a file will lie, by its directory and name in the merged tree and its
 *   absolute path in the lower.
 * @returns a function that finds them again.
 */
export function openPlaces(
  core: Core,
  pathAfter: (at: { directory: DirectoryNode; name: string }, lowerPath: string) => TreePath,
): () => void {
  const paths = new Map<OpenFile, TreePath>();
  for (const file of core.descriptors.onLower) {
    const { place } = file;
    if (place?.found.kind !== "lower" || core.outsidePathOf(place) !== undefined) continue;
    paths.set(file, pathAfter(place, place.found.path));
  }
  return () => {
    for (const [file, path] of paths) {
      const place = placeAt(core, path);
      file.place = place !== undefined && isOpenThere(core, file, place) ? place : undefined;
    }
  };
}

function placeAt(core: Core, path: TreePath): ExistingPlace | undefined {
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
