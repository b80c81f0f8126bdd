import { encodePath } from "../../disk/names.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { encodeCommit, type Signature } from "../../objects/commit-object.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { PackBuilder } from "../../objects/pack-builder.ts";
import { emptyTreeOid, parseTree, type TreeEntry, type TreeMode } from "../../objects/tree.ts";
import { type TreeEdit, updateTree } from "../../objects/update-tree.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import type { RefUpdate } from "../journal/journal-record.ts";
import { pointerOf } from "../tree/large-content.ts";
import {
  type ManifestChange,
  type ManifestNode,
  mainRef,
  manifestFormat,
  type OperationManifest,
  operationsRef,
} from "./manifest.ts";
import type { RecordedTree } from "./recorded-tree.ts";

/** What identifies an operation beside its changes. */
export type OperationFacts = Omit<OperationManifest, "format" | "main" | "changes">;

/** The commits that an operation adds to the checkpoint store. */
export interface Checkpoint {
  /** After-state of everything ever touched: the new value of {@link mainRef}. */
  readonly main: ObjectId;
  /** The operation itself: the new value of {@link operationsRef}. */
  readonly operation: ObjectId;
  readonly refs: readonly RefUpdate[];
}

/**
 * Adds the trees and commits of an operation to its pack.
 *
 * The main chain holds after-states. Where it does not know what this operation replaces, or the
 * disk has moved on since, a base commit with the state before comes in between, so that the
 * difference between a checkpoint and its parent is exactly what the operation did.
 *
 * @param recorded the checkpoint before.
 */
export function addCheckpoint(
  store: ObjectStore,
  recorded: RecordedTree,
  pack: PackBuilder,
  facts: OperationFacts,
  changes: readonly ManifestChange[],
): Checkpoint {
  const signature = signatureOf(facts);
  const { commit: parent, oid: parentTree, known } = recorded;

  const baseTree = updateTree(store, pack, parentTree, editsBefore(changes, pack), known);
  let base = parent;
  if (baseTree !== parentTree) {
    const message = `State before operation ${facts.sequence}`;
    base = addCommit(pack, baseTree, parent, signature, message);
  }
  const moved = movedEntries(store, pack, baseTree, changes);
  const mainTree = updateTree(store, pack, baseTree, editsAfter(changes, moved, pack), known);
  const main = addCommit(pack, mainTree, base, signature, facts.message);

  const manifest: OperationManifest = { format: manifestFormat, ...facts, main, changes };
  const manifestOid = pack.add("blob", Buffer.from(`${JSON.stringify(manifest)}\n`));
  const previous = store.readRef(operationsRef);
  const operationTree = updateTree(store, pack, undefined, [
    { path: "manifest.json", entry: { mode: "100644", oid: manifestOid } },
    ...subtree("before", baseTree),
    ...subtree("after", mainTree),
  ]);
  const operation = addCommit(pack, operationTree, previous, signature, facts.message);
  return {
    main,
    operation,
    refs: [
      { name: mainRef, before: parent ?? null, after: main },
      { name: operationsRef, before: previous ?? null, after: operation },
    ],
  };
}

function subtree(path: TreePath, oid: ObjectId): TreeEdit[] {
  return oid === emptyTreeOid ? [] : [{ path, entry: { mode: "40000", oid } }];
}

function addCommit(
  pack: PackBuilder,
  tree: ObjectId,
  parent: ObjectId | undefined,
  signature: Signature,
  message: string,
): ObjectId {
  const parents = parent === undefined ? [] : [parent];
  if (tree === emptyTreeOid) pack.add("tree", Buffer.alloc(0));
  const commit = { tree, parents, author: signature, committer: signature, message };
  return pack.add("commit", encodeCommit(commit));
}

/** What lay at the touched places, as far as git can hold it. */
function editsBefore(changes: readonly ManifestChange[], pack: PackBuilder): TreeEdit[] {
  const places = new OldPlaces(changes);
  const edits: TreeEdit[] = [];
  for (const change of changes) {
    const place = places.placeOfChange(change);
    switch (change.kind) {
      case "create":
        if (places.canBeTaken(change.path)) edits.push({ path: place, entry: undefined });
        break;
      case "modify":
        edits.push(...editsOf(place, change.before, change.aspects.includes("type"), pack));
        break;
      case "delete":
        edits.push(...editsOf(place, change.before, true, pack));
        break;
      case "rename":
        if (change.replaced !== null) edits.push(...editsOf(place, change.replaced, true, pack));
        else if (places.canBeTaken(change.path)) edits.push({ path: place, entry: undefined });
        edits.push(...editsOf(change.from, change.before, false, pack));
        break;
    }
  }
  return edits;
}

/**
 * What lies at the touched places now.
 *
 * @param moved the entries that moved as they are, by their new path.
 */
function editsAfter(
  changes: readonly ManifestChange[],
  moved: ReadonlyMap<TreePath, TreeEntry>,
  pack: PackBuilder,
): TreeEdit[] {
  const places = new OldPlaces(changes);
  const edits: TreeEdit[] = [];
  for (const change of changes) {
    if (change.kind !== "rename") continue;
    edits.push({ path: change.from, entry: undefined });
    edits.push({ path: places.shownAt(change.from), entry: undefined });
  }
  for (const [path, entry] of moved) edits.push({ path, entry });
  for (const change of changes) {
    if (change.kind === "delete") {
      // In a directory that gave way it is gone already.
      if (change.place !== undefined) continue;
      edits.push({ path: change.path, entry: undefined });
      continue;
    }
    const isRetyped = change.kind === "modify" && change.aspects.includes("type");
    edits.push(...editsOf(change.path, change.after, isRetyped, pack));
  }
  return edits;
}

/** The tracked entries of directories and unread files that moved, by their new path. */
function movedEntries(
  store: ObjectStore,
  pack: PackBuilder,
  tree: ObjectId,
  changes: readonly ManifestChange[],
): Map<TreePath, TreeEntry> {
  const moved = new Map<TreePath, TreeEntry>();
  for (const change of changes) {
    if (change.kind !== "rename" || entryOf(change.after, pack) !== undefined) continue;
    const entry = findEntry(store, pack, tree, change.from);
    if (entry !== undefined) moved.set(change.path, entry);
  }
  return moved;
}

function findEntry(
  store: ObjectStore,
  pack: PackBuilder,
  tree: ObjectId,
  path: TreePath,
): TreeEntry | undefined {
  let entry: TreeEntry | undefined = { mode: "40000", oid: tree };
  for (const name of path.split("/")) {
    if (entry?.mode !== "40000" || entry.oid === emptyTreeOid) return undefined;
    entry = parseTree(pack.find(entry.oid) ?? store.read(entry.oid).bytes).get(name);
  }
  return entry;
}

/**
 * A directory stands in git for what is in it, so it edits nothing itself; only where it takes or
 * gives way to another kind of node, all of it is touched and nothing else may remain.
 */
function editsOf(
  path: TreePath,
  node: ManifestNode,
  isWhole: boolean,
  pack: PackBuilder,
): TreeEdit[] {
  if (path === "") return [];
  const entry = entryOf(node, pack);
  return entry === undefined && !isWhole ? [] : [{ path, entry }];
}

function entryOf(node: ManifestNode, pack: PackBuilder): TreeEntry | undefined {
  switch (node.kind) {
    case "directory":
      return undefined;
    case "symlink": {
      const target = encodePath(node.target);
      const bytes = typeof target === "string" ? Buffer.from(target) : target;
      return { mode: "120000", oid: pack.add("blob", bytes) };
    }
    case "file": {
      const mode: TreeMode = (node.mode & 0o100) === 0 ? "100644" : "100755";
      if (node.stored === "unread") return undefined;
      if (node.stored === "blob") return { mode, oid: node.oid };
      return { mode, oid: pack.add("blob", pointerOf(node.oid, node.size)) };
    }
  }
}

/** `Name <address>` taken apart; git wants both. */
function signatureOf(facts: OperationFacts): Signature {
  const match = /^(.*?)\s*<([^<>]*)>\s*$/.exec(facts.author);
  const name = match?.[1] || (match === null ? facts.author : "");
  return { name: name || "draftfs", email: match?.[2] ?? "", timeMs: facts.createdMs };
}
