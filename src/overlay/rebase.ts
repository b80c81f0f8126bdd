import { absoluteOf, childOf, nameOf, parentOf, type TreePath } from "../disk/tree-path.ts";
import type { Core } from "./core.ts";
import { FileContent } from "./file-content.ts";
import { codeOf } from "./file-system-error.ts";
import type { DirectoryNode, Node } from "./node.ts";
import { openPlaces } from "./open-places.ts";
import type { LowerNode } from "./pending.ts";

/**
 * Takes account of a commit: at the given paths (all when omitted) the lower holds what the upper
 * held. What stays pending keeps its meaning over the new lower. Files that are open stay the nodes
 * they were, so that handles go on working and keep their inode numbers. Ends all savepoints.
 */
export function rebase(core: Core, paths?: Iterable<TreePath>): void {
  const { tree } = core;
  tree.undo.clear();
  const findAgain = openPlaces(core, ({ directory, name }) =>
    childOf(tree.pathOf(directory), name),
  );
  const settled = new Set(paths ?? everyPath(core));
  const moves: Move[] = [];
  for (const path of parentsFirst(withParents(settled))) {
    settleDirectory(core, path, settled.has(path), moves);
  }
  for (const move of moves) relocate(core, tree.root, move);
  for (const path of parentsFirst(settled).reverse()) settleEntry(core, path);
  findAgain();
  core.lower.pool.close();
  core.observations?.clear();
  tree.linked.clear();
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

/** Drops a committed entry, or lets it stand for the new lower node while someone needs it. */
function settleEntry(core: Core, path: TreePath): void {
  const { tree } = core;
  if (path === "") return;
  const parent = upperDirectory(core, parentOf(path));
  const name = nameOf(path);
  const dentry = parent?.entries?.get(name);
  if (parent?.entries === undefined || dentry === undefined) return;
  const { node } = dentry;
  const isNodeNeeded = node !== undefined && isNeeded(core, node);
  const base = isNodeNeeded ? lowerNodeAt(core, absoluteOf(tree.rootPath, path)) : undefined;
  if (!isNodeNeeded || base === undefined) {
    parent.entries.delete(name);
    return;
  }
  parent.entries.set(name, { node, base, generation: dentry.generation });
  node.origin = base;
  node.timesSet = false;
  if (node.kind === "file")
    node.content = FileContent.over(core.lowerFile(base), core.memory.budget);
}

function isNeeded(core: Core, node: Node): boolean {
  if (node.kind === "directory" && (node.entries?.size ?? 0) > 0) return true;
  return core.descriptors.isOpen(node);
}

function lowerNodeAt(core: Core, path: string): LowerNode | undefined {
  try {
    const stamp = core.lower.stamp(path);
    return stamp === undefined ? undefined : { path: core.tree.treePathOfLower(path), stamp };
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}
