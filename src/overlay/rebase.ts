import type { BigIntStats } from "node:fs";
import { kindOf, stampOf } from "../disk/stamp.ts";
import { absoluteOf, childOf, nameOf, parentOf, type TreePath } from "../disk/tree-path.ts";
import type { Core } from "./core.ts";
import { FileContent } from "./file-content.ts";
import { codeOf } from "./file-system-error.ts";
import type { DirectoryNode, Node } from "./node.ts";
import { openPlaces } from "./open-places.ts";
import type { LowerNode } from "./pending.ts";
import { identityOf, takeMetadata } from "./tree.ts";

/**
 * Takes account of a commit: at the given paths (all when omitted) the lower holds what the upper
 * held. What stays pending keeps its meaning over the new lower. Files that are open stay the nodes
 * they were, so that handles go on working; they show the inode numbers of the disk from now on.
 * Ends all savepoints.
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
  for (const path of parentsFirst(withParents(settled))) {
    settleDirectory(core, path, settled.has(path), moves);
  }
  for (const move of moves) relocate(core, tree.root, move);
  const isPart = paths !== undefined;
  const changed = isPart ? linkedFiles(core, settled) : new Set<string>();
  for (const path of parentsFirst(settled).reverse()) settleEntry(core, path, isPart);
  if (changed.size > 0) renewBases(core, tree.root, changed);
  if (!isPart) settleRoot(core);
  findAgain();
  core.lower.pool.close();
  core.observations?.clear();
  tree.linked.clear();
  linkNames(core, tree.root);
  tree.structure += 1;
  tree.generation += 1;
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
function settleDirectory(core: Core, path: TreePath, isSettled: boolean, moves: Move[]): void {
  const { tree } = core;
  const directory = path === "" ? undefined : upperDirectory(core, path);
  const own = absoluteOf(tree.rootPath, path);
  if (directory === undefined || directory.lowerPath === own) return;
  if (directory.lowerPath !== undefined && !isSettled) return;
  if (core.lower.lstat(own)?.isDirectory() !== true) return;
  if (directory.lowerPath !== undefined) moves.push({ from: directory.lowerPath, to: own });
  else hideUnknown(core, directory, own);
  directory.lowerPath = own;
  directory.coveredPath = undefined;
  directory.passed.clear();
}

/** Whiteouts for what an opaque directory hid and the commit left in place. */
function hideUnknown(core: Core, directory: DirectoryNode, lowerPath: string): void {
  const { tree } = core;
  directory.entries ??= new Map();
  for (const name of tree.shownNames(lowerPath)) {
    if (directory.entries.has(name)) continue;
    const base = lowerNodeAt(core, absoluteOf(lowerPath, name));
    if (base !== undefined) {
      directory.entries.set(name, { node: undefined, base, generation: tree.generation });
    }
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
  return { path: core.tree.treePathOfLower(after), stamp: node.stamp };
}

/**
 * Drops a committed entry, or lets it stand for the new lower node while someone needs it.
 *
 * @param isPart whether other changes stay pending.
 */
function settleEntry(core: Core, path: TreePath, isPart: boolean): void {
  const { tree } = core;
  if (path === "") return;
  const parent = upperDirectory(core, parentOf(path));
  const name = nameOf(path);
  const dentry = parent?.entries?.get(name);
  if (parent?.entries === undefined || dentry === undefined) return;
  const { node } = dentry;
  const isCounted = isPart && node?.kind === "file";
  const isLookedAt = node !== undefined && (isCounted || isNeeded(core, node));
  const stats = isLookedAt ? statsAt(core, absoluteOf(tree.rootPath, path)) : undefined;
  // Somebody may have put something else there already: that is not what is open.
  const isSame = stats !== undefined && kindOf(stats) === node?.kind;
  // Another name of it that comes or goes is pending still.
  const isOtherPending = isSame && isCounted && Number(stats.nlink) !== node.nlink;
  if (!isSame || !(isOtherPending || isNeeded(core, node))) {
    parent.entries.delete(name);
    return;
  }
  const base = { path, stamp: stampOf(stats) };
  parent.entries.set(name, { node, base, generation: dentry.generation });
  settleNode(core, node, { stats, base, isPart });
}

/** The lower files of several names, by identity, that entries at these paths are based on. */
function linkedFiles(core: Core, paths: Iterable<TreePath>): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    const stamp = upperDirectory(core, parentOf(path))?.entries?.get(nameOf(path))?.base?.stamp;
    if (stamp?.kind === "file" && stamp.nlink > 1) found.add(identityOf(stamp));
  }
  return found;
}

/** What lies under the other names of a file that was committed is what was committed. */
function renewBases(core: Core, directory: DirectoryNode, changed: ReadonlySet<string>): void {
  for (const [name, dentry] of directory.entries ?? []) {
    const { node, base } = dentry;
    if (node?.kind === "directory") renewBases(core, node, changed);
    if (base === undefined || !changed.has(identityOf(base.stamp))) continue;
    const now = lowerNodeAt(core, absoluteOf(core.tree.rootPath, base.path));
    if (now === undefined || identityOf(now.stamp) !== identityOf(base.stamp)) continue;
    directory.entries?.set(name, { ...dentry, base: now });
  }
}

function settleRoot(core: Core): void {
  const { root, rootPath } = core.tree;
  const stats = statsAt(core, rootPath);
  if (stats?.isDirectory() !== true) return;
  settleNode(core, root, { stats, base: { path: "", stamp: stampOf(stats) }, isPart: false });
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

function isNeeded(core: Core, node: Node): boolean {
  if (node.kind === "directory" && (node.entries?.size ?? 0) > 0) return true;
  return core.descriptors.isOpen(node);
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
