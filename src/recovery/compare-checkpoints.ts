import type { Checkpoint } from "../commit/checkpoint/operation-log.ts";
import type { PatchEdit, PatchSide } from "../commit/patch/patch-edits.ts";
import { childOf, compareTreePaths, type TreePath } from "../disk/tree-path.ts";
import { parseCommit } from "../objects/commit-object.ts";
import type { ObjectId } from "../objects/object-id.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { emptyTreeOid, parseTree, submoduleMode, type TreeEntry } from "../objects/tree.ts";
import { firstRecordedSince } from "./first-recorded.ts";

/**
 * What differs between the states that two checkpoints left, file by file, as `patchOfEdits` takes
 * it. Only recorded paths count, recorded by now: what a later operation was the first to touch lay
 * there before as well. A file that moved as it was is one edit, with both its paths.
 * Content beyond the size of a pack shows as the pointer that stands for it in git.
 *
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING`, `DRAFT_STORE_CORRUPT`.
 */
export function compareCheckpoints(
  store: ObjectStore,
  from: Checkpoint,
  to: Checkpoint,
): PatchEdit[] {
  const comparison = new Comparison(store);
  comparison.compare("", mainTreeOf(store, from), mainTreeOf(store, to));
  const isBackwards = from.manifest.sequence > to.manifest.sequence;
  const [older, newer] = isBackwards ? [to, from] : [from, to];
  const unrecorded = firstRecordedSince(store, { older, newer }, (before, after) => {
    const step = new Comparison(store);
    step.compare("", before, after);
    return step.added;
  });
  comparison.complete(isBackwards ? "to" : "from", unrecorded);
  return comparison.edits();
}

/** What one operation did, in the same form. */
export function editsOfCheckpoint(store: ObjectStore, checkpoint: Checkpoint): PatchEdit[] {
  const { tree, parents } = parseCommit(store.read(checkpoint.manifest.main).bytes);
  const [parent] = parents;
  const before = parent === undefined ? emptyTreeOid : parseCommit(store.read(parent).bytes).tree;
  return compareTrees(store, before, tree);
}

function mainTreeOf(store: ObjectStore, { manifest }: Checkpoint): ObjectId {
  return parseCommit(store.read(manifest.main).bytes).tree;
}

interface Difference {
  readonly path: TreePath;
  readonly entry: TreeEntry;
}

function compareTrees(store: ObjectStore, from: ObjectId, to: ObjectId): PatchEdit[] {
  const comparison = new Comparison(store);
  comparison.compare("", from, to);
  return comparison.edits();
}

/** Walks two trees side by side, into those directories only that differ. */
class Comparison {
  readonly #store: ObjectStore;
  readonly #removed = new Map<TreePath, TreeEntry>();
  readonly #added = new Map<TreePath, TreeEntry>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  compare(path: TreePath, from: ObjectId | undefined, to: ObjectId | undefined): void {
    if (from === to) return;
    const [before, after] = [this.#entriesOf(from), this.#entriesOf(to)];
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      this.#compareEntries(childOf(path, name), before.get(name), after.get(name));
    }
  }

  /** The files that only the second tree has. */
  get added(): ReadonlyMap<TreePath, TreeEntry> {
    return new Map([...this.#added].filter(([path]) => !this.#removed.has(path)));
  }

  /** Adds files to one of the two trees that it lacks. */
  complete(side: "from" | "to", files: ReadonlyMap<TreePath, TreeEntry>): void {
    const [own, other] =
      side === "from" ? [this.#removed, this.#added] : [this.#added, this.#removed];
    for (const [path, entry] of files) {
      const opposite = other.get(path);
      const isSame = opposite?.oid === entry.oid && opposite.mode === entry.mode;
      if (isSame) other.delete(path);
      else own.set(path, entry);
    }
  }

  edits(): PatchEdit[] {
    const movedFrom = this.#pairMoves();
    const paths = new Set([...this.#removed.keys(), ...this.#added.keys()]);
    const moved = new Set(movedFrom.values());
    return [...paths].sort(compareTreePaths).flatMap((path): PatchEdit[] => {
      const added = this.#added.get(path);
      const source = movedFrom.get(path) ?? path;
      const removed = path !== source || !moved.has(path) ? this.#removed.get(source) : undefined;
      const [old, after] = [this.#side(source, removed), this.#side(path, added)];
      return old === undefined && after === undefined ? [] : [{ old, new: after }];
    });
  }

  #compareEntries(
    path: TreePath,
    before: TreeEntry | undefined,
    after: TreeEntry | undefined,
  ): void {
    if (before?.oid === after?.oid && before?.mode === after?.mode) return;
    const [oldTree, newTree] = [treeOf(before), treeOf(after)];
    if (oldTree !== undefined || newTree !== undefined) this.compare(path, oldTree, newTree);
    if (before !== undefined && oldTree === undefined) this.#removed.set(path, before);
    if (after !== undefined && newTree === undefined) this.#added.set(path, after);
  }

  /** Where each file came from that is gone elsewhere and stands, the same, in a new place. */
  #pairMoves(): Map<TreePath, TreePath> {
    const gone = new Map<ObjectId, Difference>();
    for (const [path, entry] of this.#removed) {
      if (!this.#added.has(path)) gone.set(entry.oid, { path, entry });
    }
    const movedFrom = new Map<TreePath, TreePath>();
    for (const [path, entry] of this.#added) {
      const source = this.#removed.has(path) ? undefined : gone.get(entry.oid);
      if (source === undefined) continue;
      movedFrom.set(path, source.path);
      gone.delete(entry.oid);
    }
    return movedFrom;
  }

  #side(path: TreePath, entry: TreeEntry | undefined): PatchSide | undefined {
    if (entry === undefined || entry.mode === "40000") return undefined;
    // A user's own, of which there are no bytes here.
    if (entry.mode === submoduleMode) return undefined;
    const read = (): Buffer => this.#store.read(entry.oid).bytes;
    const mode = entry.mode === "100664" ? "100644" : entry.mode;
    return { path, mode, size: read().length, read };
  }

  #entriesOf(oid: ObjectId | undefined): Map<string, TreeEntry> {
    if (oid === undefined || oid === emptyTreeOid) return new Map();
    return parseTree(this.#store.read(oid).bytes);
  }
}

function treeOf(entry: TreeEntry | undefined): ObjectId | undefined {
  return entry?.mode === "40000" ? entry.oid : undefined;
}
