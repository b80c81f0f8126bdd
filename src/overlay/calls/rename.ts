import type { Core } from "../core.ts";
import { mayWrite, requireAccess } from "../credentials.ts";
import { Fault } from "../file-system-error.ts";
import { presentInstant } from "../instant.ts";
import type { DirectoryNode, Node } from "../node.ts";
import { type ExistingPlace, exists, isDirectory, type Place } from "../path/path-walk.ts";
import {
  dropDirectory,
  dropName,
  isEmptyDirectory,
  removableFrom,
  writableParent,
} from "./name-changes.ts";

/**
 * Moves a name. A directory of the lower moves by a redirect, whatever lies in it: O(1).
 *
 * @throws {Fault} as `rename(2)`.
 */
export function rename(core: Core, from: string, to: string): void {
  const source = core.resolve(from, "never");
  const target = core.resolve(to, "never");
  const isRoot = source.last === "root" && source.directory === core.tree.root;
  if (isRoot && target.last === "name") throw new Fault("EINVAL");
  if (source.last === "name" && target.last === "root") {
    if (!exists(source)) throw new Fault("ENOENT");
    requireDirectoryNames(source, target);
    throw new Fault("ENOTEMPTY");
  }
  if (source.last !== "name" || target.last !== "name") throw new Fault("EBUSY");
  if (!exists(source)) throw new Fault("ENOENT");
  requireDirectoryNames(source, target);
  const movesDirectory = isDirectory(source);
  if (movesDirectory && isInside(target.directory, nodeAt(source))) throw new Fault("EINVAL");
  if (exists(target) && isDirectory(target) && isInside(source.directory, nodeAt(target))) {
    throw new Fault("ENOTEMPTY");
  }
  if (exists(target) && isSame(source, target)) return;
  const sourceParent = removableFrom(core, source);
  const targetParent = writableParent(core, target);
  if (movesDirectory) core.requireMovable(source, target);
  if (exists(target)) requireKinds(core, target, movesDirectory);
  // All that can fail comes before the target is taken away.
  const node = core.copyUp(source);
  if (node.kind === "directory" && sourceParent !== targetParent) requireAccess(node, mayWrite);
  if (exists(target)) removeReplaced(core, target);
  move(core, source, target, node);
  core.tree.namesChanged(sourceParent);
  if (targetParent !== sourceParent) core.tree.namesChanged(targetParent);
}

function move(core: Core, source: ExistingPlace, target: Place, node: Node): void {
  const { tree } = core;
  tree.remove(source.directory, source.name);
  tree.touch(node);
  node.ctime = presentInstant();
  if (node.kind === "directory") {
    node.parent = target.directory;
    node.name = target.name;
    tree.countDirectory(source.directory, -1);
    tree.countDirectory(target.directory, 1);
  }
  if (exists(target)) tree.put(target.directory, target.name, node);
  else tree.putNew(target.directory, target.name, node);
  if (tree.feed.isWatched) tree.feed.moved(node);
}

/** A trailing slash on either side says that a directory is moved. */
function requireDirectoryNames(source: ExistingPlace, target: Place): void {
  if (isDirectory(source)) return;
  if (source.trailingSlash || target.trailingSlash) throw new Fault("ENOTDIR");
}

function requireKinds(core: Core, target: ExistingPlace, movesDirectory: boolean): void {
  removableFrom(core, target);
  const replacesDirectory = isDirectory(target);
  if (movesDirectory && !replacesDirectory) throw new Fault("ENOTDIR");
  if (!movesDirectory && replacesDirectory) throw new Fault("EISDIR");
}

function removeReplaced(core: Core, target: ExistingPlace): void {
  if (isDirectory(target)) {
    if (!isEmptyDirectory(core, target)) throw new Fault("ENOTEMPTY");
    dropDirectory(core, target);
    core.tree.countDirectory(target.directory, -1);
  } else dropName(core, target);
  core.tree.remove(target.directory, target.name);
}

/** Two names of one file: POSIX leaves both. */
function isSame(source: ExistingPlace, target: ExistingPlace): boolean {
  const left = source.found;
  const right = target.found;
  if (left.kind === "upper") return right.kind === "upper" && left.node === right.node;
  if (right.kind === "upper" || left.stats.ino !== right.stats.ino) return false;
  return left.stats.dev === right.stats.dev;
}

function nodeAt(place: ExistingPlace): Node | undefined {
  const { found, directory, name } = place;
  if (found.kind === "upper") return found.node;
  // Looking at the other place may have taken it into the upper: what lies there has several names.
  return directory.passed.get(name) ?? directory.entries?.get(name)?.node;
}

function isInside(directory: DirectoryNode, ancestor: Node | undefined): boolean {
  for (let at: DirectoryNode | undefined = directory; at !== undefined; at = at.parent) {
    if (at === ancestor) return true;
  }
  return false;
}
