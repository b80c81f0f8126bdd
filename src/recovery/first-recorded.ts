import type { ManifestChange } from "../commit/checkpoint/manifest.ts";
import { type Checkpoint, checkpoints } from "../commit/checkpoint/operation-log.ts";
import { isWithin, type TreePath } from "../disk/tree-path.ts";
import { parseCommit } from "../objects/commit-object.ts";
import type { ObjectId } from "../objects/object-id.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { parseTree, type TreeEntry } from "../objects/tree.ts";

/** The files that one tree has and the one before has not, by their path. */
type AddedFiles = (before: ObjectId, after: ObjectId) => ReadonlyMap<TreePath, TreeEntry>;

/**
 * What lay at a checkpoint where only later operations have looked: its tree holds what had been
 * recorded by then, and a file that a later one was the first to touch lay there all the same.
 */
export function firstRecordedSince(
  store: ObjectStore,
  { older, newer }: { readonly older: Checkpoint; readonly newer: Checkpoint },
  addedFiles: AddedFiles,
): ReadonlyMap<TreePath, TreeEntry> {
  const found = new Map<TreePath, TreeEntry>();
  const log = [...checkpoints(store)];
  const position = ({ id }: Checkpoint): number => log.findIndex((each) => each.id === id);
  const between = log.slice(position(newer), position(older));
  const known = log.slice(position(older)).flatMap(({ manifest }) => manifest.changes);
  const touched = new Set(known.flatMap(pathsOf));
  for (const [index, operation] of between.entries()) {
    const before = treeBefore(store, operation);
    if (before === undefined) continue;
    const earlier = between.slice(index + 1);
    const left = parseCommit(store.read((earlier[0] ?? older).manifest.main).bytes).tree;
    for (const [path, entry] of addedFiles(left, before)) {
      const place = placeBefore(path, earlier);
      if (place !== undefined && !touched.has(place)) found.set(place, entry);
    }
  }
  return found;
}

/** Everything ever touched as an operation found it; `undefined` for nothing. */
function treeBefore(store: ObjectStore, { id }: Checkpoint): ObjectId | undefined {
  return parseTree(store.read(parseCommit(store.read(id).bytes).tree).bytes).get("before")?.oid;
}

/**
 * Where a file lay before operations, newest first, that did not touch it but for moving a
 * directory around it; `undefined` where one of them has made what it lies in.
 */
function placeBefore(path: TreePath, operations: readonly Checkpoint[]): TreePath | undefined {
  let place = path;
  for (const { manifest } of operations) {
    // The nearest directory first: a move of one further out is part of where that came from.
    const around = manifest.changes
      .filter((change) => change.kind !== "delete" && isWithin(place, change.path))
      .sort((one, other) => other.path.length - one.path.length);
    for (const change of around) {
      if (change.kind === "rename") {
        place = `${change.from}${place.slice(change.path.length)}`;
        break;
      }
      const wasThere = change.kind === "modify" && change.before.kind === "directory";
      if (!wasThere) return undefined;
    }
  }
  return place;
}

function pathsOf(change: ManifestChange): TreePath[] {
  return change.kind === "rename" ? [change.from, change.path] : [change.path];
}
