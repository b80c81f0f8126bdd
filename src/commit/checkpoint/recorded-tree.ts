import { nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import { DraftError } from "../../errors.ts";
import { parseCommit } from "../../objects/commit-object.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import { emptyTreeOid, parseTree, type TreeEntry } from "../../objects/tree.ts";
import type { KnownTrees } from "../../objects/update-tree.ts";
import { mainRef } from "./manifest.ts";

/**
 * What the last checkpoint says of every path that was ever touched, as it was when first asked:
 * what the next one starts from. Only the directories on the way to what is asked for are read.
 */
export class RecordedTree {
  readonly #objects: ObjectStore;
  readonly #directories = new Map<TreePath, ReadonlyMap<string, TreeEntry>>();
  #head: { readonly commit: ObjectId | undefined; readonly tree: ObjectId } | undefined;
  /** The trees that were read. */
  readonly known: KnownTrees = new Map();

  constructor(objects: ObjectStore) {
    this.#objects = objects;
  }

  /** The commit of the last checkpoint; `undefined` before the first one. */
  get commit(): ObjectId | undefined {
    return this.#look().commit;
  }

  /** Its tree. */
  get oid(): ObjectId {
    return this.#look().tree;
  }

  /**
   * The blob that lies at a path, if the store holds it.
   *
   * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING`, `DRAFT_STORE_CORRUPT` when a tree is not to be
   *   had.
   */
  findBlob(path: TreePath): ObjectId | undefined {
    const entry = this.#find(path);
    const isBlob = entry !== undefined && entry.mode !== "40000";
    return isBlob && this.#objects.has(entry.oid) ? entry.oid : undefined;
  }

  #find(path: TreePath): TreeEntry | undefined {
    return this.#entriesOf(parentOf(path)).get(nameOf(path));
  }

  #entriesOf(directory: TreePath): ReadonlyMap<string, TreeEntry> {
    const found = this.#directories.get(directory);
    if (found !== undefined) return found;
    const entries = this.#read(directory === "" ? this.oid : this.#treeAt(directory));
    this.#directories.set(directory, entries);
    return entries;
  }

  #treeAt(directory: TreePath): ObjectId {
    const entry = this.#find(directory);
    return entry?.mode === "40000" ? entry.oid : emptyTreeOid;
  }

  #read(tree: ObjectId): ReadonlyMap<string, TreeEntry> {
    if (tree === emptyTreeOid) return noEntries;
    const entries = this.known.get(tree) ?? parseTree(this.#objects.read(tree).bytes);
    this.known.set(tree, entries);
    return entries;
  }

  #look(): { readonly commit: ObjectId | undefined; readonly tree: ObjectId } {
    if (this.#head === undefined) {
      const commit = this.#objects.readRef(mainRef);
      const tree = commit === undefined ? emptyTreeOid : treeOf(this.#objects, commit);
      this.#head = { commit, tree };
    }
    return this.#head;
  }
}

const noEntries: ReadonlyMap<string, TreeEntry> = new Map();

function treeOf(store: ObjectStore, commit: ObjectId): ObjectId {
  const object = store.read(commit);
  if (object.kind === "commit") return parseCommit(object.bytes).tree;
  throw new DraftError(
    "DRAFT_STORE_CORRUPT",
    `Cannot commit: ${mainRef} of ${store.path} names a ${object.kind}, and no commit. Nothing ` +
      "was touched. Point it at a commit (git update-ref), or remove it.",
    { path: store.path },
  );
}
