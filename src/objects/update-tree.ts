import type { TreePath } from "../disk/tree-path.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectStore } from "./object-store.ts";
import type { PackBuilder } from "./pack-builder.ts";
import { emptyTreeOid, encodeTree, parseTree, type TreeEntry } from "./tree.ts";

/** What shall lie at a path of a git tree: a blob or a whole subtree, nothing when `undefined`. */
export interface TreeEdit {
  readonly path: TreePath;
  readonly entry: TreeEntry | undefined;
}

/** Trees whose entries are known, by their id; they are not to be changed. */
export type KnownTrees = Map<ObjectId, ReadonlyMap<string, TreeEntry>>;

/** The edits below one directory, by name. */
interface EditNode {
  /** Whether this very path is edited, and to what. */
  isEdited: boolean;
  entry: TreeEntry | undefined;
  /** Absent at most places: they have none. */
  children: Map<string, EditNode> | undefined;
}

/**
 * Makes the tree that is `rootTree` with some paths changed, reading and writing only the
 * directories on the way to them. Directories that become empty vanish, as git has no empty ones.
 * When both a path and others below it are edited, what is below wins: a file gave way to a
 * directory. Among edits of one path the last one wins.
 *
 * @param rootTree `undefined` for the empty tree.
 * @param known takes the trees that were read or made, for another call on what this one returns.
 * @returns the id of the new root tree, which the store or the pack then holds; the empty tree is
 *   only named, so that it is not there for nothing.
 */
export function updateTree(
  store: ObjectStore,
  pack: PackBuilder,
  rootTree: ObjectId | undefined,
  edits: Iterable<TreeEdit>,
  known: KnownTrees = new Map(),
): ObjectId {
  const root = newNode();
  for (const { path, entry } of edits) {
    let node = root;
    for (const name of path.split("/")) node = childNode(node, name);
    node.isEdited = true;
    node.entry = entry;
  }
  const base = rootTree === undefined ? undefined : { mode: "40000" as const, oid: rootTree };
  const result = applyNode({ store, pack, known }, base, root);
  return result?.oid ?? emptyTreeOid;
}

/** Where trees come from and go to. */
interface Trees {
  readonly store: ObjectStore;
  readonly pack: PackBuilder;
  readonly known: KnownTrees;
}

/** The entry that results from `base`, what lay at the path, and the edits at and below it. */
function applyNode(
  trees: Trees,
  base: TreeEntry | undefined,
  node: EditNode,
): TreeEntry | undefined {
  const own = node.isEdited ? node.entry : base;
  if (node.children === undefined) return own;
  const isDirectory = own?.mode === "40000";
  const entries = new Map(isDirectory ? readEntries(trees, own.oid) : undefined);
  let isChanged = false;
  for (const [name, child] of node.children) {
    const before = entries.get(name);
    const after = applyNode(trees, before, child);
    if (after?.oid === before?.oid && after?.mode === before?.mode) continue;
    isChanged = true;
    if (after === undefined) entries.delete(name);
    else entries.set(name, after);
  }
  if (!isChanged) return own;
  if (entries.size === 0) return undefined;
  const oid = trees.pack.add("tree", encodeTree(entries));
  trees.known.set(oid, entries);
  return { mode: "40000", oid };
}

function readEntries(
  { store, pack, known }: Trees,
  oid: ObjectId,
): ReadonlyMap<string, TreeEntry> | undefined {
  if (oid === emptyTreeOid) return undefined;
  const entries = known.get(oid) ?? parseTree(pack.find(oid) ?? store.read(oid).bytes);
  known.set(oid, entries);
  return entries;
}

function newNode(): EditNode {
  return { isEdited: false, entry: undefined, children: undefined };
}

function childNode(node: EditNode, name: string): EditNode {
  node.children ??= new Map();
  let child = node.children.get(name);
  if (child === undefined) {
    child = newNode();
    node.children.set(name, child);
  }
  return child;
}
