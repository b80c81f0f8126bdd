import type { BigIntStats } from "node:fs";
import { identityOf, kindOf, stampOf } from "../../disk/stamp.ts";
import { absoluteOf, childOf, nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import { isUnseen, stampOfUnseen } from "../../disk/unseen.ts";
import { FileContent } from "../content/file-content.ts";
import type { Core } from "../core.ts";
import { codeOf } from "../file-system-error.ts";
import type { DirectoryNode, Node } from "../node.ts";
import { openPlaces, placeAt } from "../open-places.ts";
import type { LowerNode } from "./pending.ts";
import { takeMetadata } from "./take-metadata.ts";

/**
 * Takes account of a commit: at the given paths (all when omitted) the lower holds what the upper
 * held. What stays pending keeps its meaning over the new lower. What is open is the lower's from
 * now on, as if it had been opened there, and keeps its position. Ends all savepoints.
 */
export function rebase(core: Core, paths?: Iterable<TreePath>): void {
  const { tree } = core;
  tree.undo.clear();
  core.memory.place.releaseCommitted();
  const findAgain = openPlaces(core, ({ directory, name }) =>
    childOf(tree.pathOf(directory), name),
  );
  const settled = new Set(paths ?? everyPath(core));
  const moves: Move[] = [];
  const isPart = paths !== undefined;
  for (const path of parentsFirst(withParents(settled))) {
    settleDirectory(core, path, { isSettled: settled.has(path), isPart }, moves);
  }
  const changed = isPart ? sharedNodes(core, settled) : new Set<string>();
  for (const move of moves) relocate(core, tree.root, move);
  const opened: Opened[] = [];
  for (const path of parentsFirst(settled).reverse()) settleEntry(core, path, isPart, opened);
  if (changed.size > 0) renewBases(core, tree.root, changed);
  if (settled.has("") || !isPart) settleRoot(core, isPart);
  if (isPart) countLinksOfRoot(core);
  tree.linked.clear();
  linkNames(core, tree.root);
  findAgain();
  for (const { node, path } of opened) returnToLower(core, node, path);
  core.lower.pool.close();
  core.observations?.clear();
  tree.structure += 1;
  tree.generation += 1;
}

/** An open node that was committed, and where. */
interface Opened {
  readonly node: Node;
  readonly path: TreePath;
}

/** A lower directory that the commit moved. */
interface Move {
  readonly from: string;
  readonly to: string;
}

/** The paths by their depth, which is counted once for each. */
function parentsFirst(paths: Iterable<TreePath>): TreePath[] {
  const levels: TreePath[][] = [];
  for (const path of paths) {
    let depth = 0;
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) depth += 1;
    levels[depth] ??= [];
    levels[depth]?.push(path);
  }
  return levels.flat();
}

function withParents(paths: ReadonlySet<TreePath>): Set<TreePath> {
  const all = new Set(paths);
  for (const path of paths) all.add(parentOf(path));
  return all;
}

function everyPath(core: Core): TreePath[] {
  const paths: TreePath[] = [];
  const visit = (directory: DirectoryNode, path: TreePath): void => {
    for (const [name, { node }] of directory.entries ?? []) {
      const at = path === "" ? name : `${path}/${name}`;
      paths.push(at);
      if (node?.kind === "directory") visit(node, at);
    }
  };
  visit(core.tree.root, "");
  return paths;
}

/** The upper directory at a tree path, looking at the upper only. */
function upperDirectory(core: Core, path: TreePath): DirectoryNode | undefined {
  let directory = core.tree.root;
  for (const name of path === "" ? [] : path.split("/")) {
    const node = directory.entries?.get(name)?.node;
    if (node?.kind !== "directory") return undefined;
    directory = node;
  }
  return directory;
}

/**
 * Lets the lower directory at a committed path, or above one, show through, and what was deleted in
 * it not.
 */
function settleDirectory(
  core: Core,
  path: TreePath,
  { isSettled, isPart }: { readonly isSettled: boolean; readonly isPart: boolean },
  moves: Move[],
): void {
  const { tree } = core;
  const directory = path === "" ? undefined : upperDirectory(core, path);
  const own = absoluteOf(tree.rootPath, path);
  if (directory === undefined || directory.lowerPath === own) return;
  if (directory.lowerPath !== undefined && !isSettled) return;
  if (core.lower.lstat(own)?.isDirectory() !== true) return;
  if (directory.lowerPath !== undefined) moves.push({ from: directory.lowerPath, to: own });
  // Where nothing was hidden, or all of it is committed, what lies there now is somebody else's.
  else if (isPart && directory.coveredPath !== undefined) hideUnknown(core, directory, own);
  directory.lowerPath = own;
  directory.coveredPath = undefined;
  directory.passed.clear();
}

/**
 * Whiteouts for what an opaque directory hid and the commit left in place. What came there, or was
 * changed, after the directory was last looked at, was not meant: its whiteout is a conflict.
 */
function hideUnknown(core: Core, directory: DirectoryNode, lowerPath: string): void {
  const { tree } = core;
  const seenNs = directory.parent?.entries?.get(directory.name)?.base?.seenNs;
  directory.entries ??= new Map();
  for (const name of tree.shownNames(lowerPath)) {
    if (directory.entries.has(name)) continue;
    const found = lowerNodeAt(core, absoluteOf(lowerPath, name));
    if (found === undefined) continue;
    const base = isUnseen(found.stamp, seenNs)
      ? { path: found.path, stamp: stampOfUnseen(found.stamp), seenNs: 0n }
      : { path: found.path, stamp: found.stamp, seenNs };
    directory.entries.set(name, { node: undefined, base, generation: tree.generation });
  }
}

/** Corrects what the upper knows of places below a moved lower directory. */
function relocate(core: Core, directory: DirectoryNode, move: Move): void {
  directory.passed.clear();
  for (const [name, dentry] of directory.entries ?? []) {
    const { node } = dentry;
    const base = relocated(core, dentry.base, move);
    if (base !== dentry.base) directory.entries?.set(name, { ...dentry, base });
    if (node === undefined) continue;
    node.origin = relocated(core, node.origin, move);
    if (node.kind === "file") {
      const lower = node.content.below?.lower;
      const moved = relocated(core, lower, move);
      if (moved !== undefined && moved !== lower) node.content.below = core.lowerFile(moved);
    }
    if (node.kind !== "directory") continue;
    node.lowerPath = relocatedPath(node.lowerPath, move);
    node.coveredPath = relocatedPath(node.coveredPath, move);
    relocate(core, node, move);
  }
}

function relocatedPath(path: string | undefined, move: Move): string | undefined {
  if (path === undefined) return undefined;
  if (path === move.from) return move.to;
  return path.startsWith(`${move.from}/`) ? move.to + path.slice(move.from.length) : path;
}

function relocated(core: Core, node: LowerNode | undefined, move: Move): LowerNode | undefined {
  if (node === undefined) return undefined;
  const before = absoluteOf(core.tree.rootPath, node.path);
  const after = relocatedPath(before, move);
  if (after === undefined || after === before) return node;
  return { ...node, path: core.tree.treePathOfLower(after) };
}

/**
 * Drops a committed entry, or lets it stand for the new lower node while someone needs it.
 *
 * @param isPart whether other changes stay pending.
 * @param opened takes the nodes that are open and can be read from the lower from now on.
 */
function settleEntry(core: Core, path: TreePath, isPart: boolean, opened: Opened[]): void {
  const { tree } = core;
  if (path === "") return;
  const parent = upperDirectory(core, parentOf(path));
  const name = nameOf(path);
  const dentry = parent?.entries?.get(name);
  if (parent?.entries === undefined || dentry === undefined) return;
  const { node } = dentry;
  const isOpen = node !== undefined && core.descriptors.isOpen(node);
  const isCounted = isPart && node?.kind === "file";
  const stats =
    isOpen || isCounted || hasEntries(node)
      ? statsAt(core, absoluteOf(tree.rootPath, path))
      : undefined;
  // Somebody may have put something else there already: that is not what is open.
  const isSame = node !== undefined && stats !== undefined && kindOf(stats) === node.kind;
  // Another name of it that comes or goes is pending still.
  const isOtherPending = isSame && isCounted && Number(stats.nlink) !== node.nlink;
  const canReturn = isSame && !hasEntries(node) && !isOtherPending && isReadable(core, path);
  if (isOpen && canReturn) opened.push({ node, path });
  if (!isSame || canReturn || !(isOpen || isOtherPending || hasEntries(node))) {
    parent.entries.delete(name);
    return;
  }
  const base = { path, stamp: stampOf(stats) };
  parent.entries.set(name, { node, base, generation: dentry.generation });
  settleNode(core, node, { stats, base, isPart });
}

function hasEntries(node: Node | undefined): boolean {
  return node?.kind === "directory" && (node.entries?.size ?? 0) > 0;
}

/** A file that this user may write but not read can only stay open as what it is. */
function isReadable(core: Core, path: TreePath): boolean {
  try {
    core.lower.close(core.lower.open(absoluteOf(core.tree.rootPath, path)));
    return true;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return false;
  }
}

/** Whoever has a node open reads from the lower, and is told what becomes of it there. */
function returnToLower(core: Core, node: Node, path: TreePath): void {
  const place = placeAt(core, path);
  if (place?.found.kind !== "lower") return;
  const stamp = core.lower.stamp(place.found.path);
  if (stamp !== undefined) core.descriptors.returnToLower(node, stamp, place);
}

/** The lower nodes, by identity, that were committed but may be the base of other entries too. */
function sharedNodes(core: Core, paths: Iterable<TreePath>): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    const dentry = upperDirectory(core, parentOf(path))?.entries?.get(nameOf(path));
    const base = dentry?.base?.stamp;
    if (base?.kind === "file" && base.nlink > 1) found.add(identityOf(base));
    // Something else may be pending where it was moved away from.
    const origin = dentry?.node?.origin;
    if (origin !== undefined && origin.path !== path) found.add(identityOf(origin.stamp));
  }
  return found;
}

/** Where a node was committed under another name, entries are based on what lies there now. */
function renewBases(core: Core, directory: DirectoryNode, committed: ReadonlySet<string>): void {
  for (const [name, dentry] of directory.entries ?? []) {
    const { node, base } = dentry;
    if (node?.kind === "directory") renewBases(core, node, committed);
    if (base === undefined || !committed.has(identityOf(base.stamp))) continue;
    const place = directory.lowerPath ?? directory.coveredPath;
    const found = place === undefined ? undefined : lowerNodeAt(core, absoluteOf(place, name));
    // What came there instead is somebody else's: the next commit shall meet it.
    const isSame = found !== undefined && identityOf(found.stamp) === identityOf(base.stamp);
    const now = isSame ? found : undefined;
    if (node === undefined && now === undefined) directory.entries?.delete(name);
    else directory.entries?.set(name, { ...dentry, base: now });
    if (node?.kind === "directory" && now === undefined) node.coveredPath = undefined;
  }
}

function settleRoot(core: Core, isPart: boolean): void {
  const { root, rootPath } = core.tree;
  const stats = statsAt(core, rootPath);
  if (stats?.isDirectory() !== true) return;
  settleNode(core, root, { stats, base: { path: "", stamp: stampOf(stats) }, isPart });
}

/** Sub-directories of the root that were committed are the lower's now, others still pending. */
function countLinksOfRoot({ lower, tree: { root, rootPath } }: Core): void {
  const { origin } = root;
  const nlink = Number(lower.lstat(rootPath)?.nlink ?? 0);
  if (origin === undefined || nlink < 2) return;
  let pending = 0;
  for (const { node, base } of root.entries?.values() ?? []) {
    pending += Number(node?.kind === "directory") - Number(base?.stamp.kind === "directory");
  }
  root.nlink = nlink + pending;
  root.origin = { ...origin, stamp: { ...origin.stamp, nlink } };
}

/** Makes a node stand for the lower node that it was committed as. */
function settleNode(
  core: Core,
  node: Node,
  { stats, base, isPart }: { stats: BigIntStats; base: LowerNode; isPart: boolean },
): void {
  const { nlink } = node;
  // The inode number too: the one that it had may be given to another file by now.
  takeMetadata(node, stats);
  // Names and sub-directories may still be pending.
  if (isPart) node.nlink = nlink;
  node.origin = base;
  node.timesSet = false;
  if (node.kind === "file") {
    node.content = FileContent.over(core.lowerFile(base), core.memory.budget);
  }
}

/** Finds again which nodes of the upper stand for lower files of several names. */
function linkNames(core: Core, directory: DirectoryNode): void {
  for (const { node } of directory.entries?.values() ?? []) {
    if (node?.kind === "directory") linkNames(core, node);
    if (node?.kind !== "file" || node.origin === undefined) continue;
    const { stamp } = node.origin;
    if (stamp.nlink > 1) core.tree.linked.set(identityOf(stamp), node);
  }
}

function lowerNodeAt(core: Core, path: string): LowerNode | undefined {
  const stats = statsAt(core, path);
  if (stats === undefined) return undefined;
  return { path: core.tree.treePathOfLower(path), stamp: stampOf(stats) };
}

function statsAt(core: Core, path: string): BigIntStats | undefined {
  try {
    return core.lower.lstatExact(path);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}
