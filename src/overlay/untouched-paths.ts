import { codeOf } from "./file-system-error.ts";
import type { DirectoryNode } from "./node.ts";
import type { Tree } from "./tree.ts";

/** How often a directory is taken for what it was before its path is looked at again. */
const lookupsMax = 4096;
/** How long a directory is taken for what it was before its path is looked at again, in ms. */
const trustMs = 100;
/** Directories remembered at a time. */
const directoriesMax = 65_536;

const slash = 47;
const dot = 46;

/**
 * Knows which absolute paths mean exactly what they mean on the disk, so that a call on them costs
 * one lookup and the real call: their directory and all above it are plain directories of the
 * lower, with nothing of the upper in between.
 *
 * What another program does to the lower is noticed at the next look, that is after 100 ms or 4,096
 * lookups at most. The last component is never trusted: the caller must use calls that do not
 * follow a link there.
 */
export class UntouchedPaths {
  readonly #tree: Tree;
  #directories = new Map<string, DirectoryNode>();
  #structure = -1;
  #lookupsLeft = lookupsMax;
  #timer: NodeJS.Timeout | undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Whether the upper holds nothing under `path`, nor above it, so that the lower may be asked. */
  isUntouched(path: string): boolean {
    const last = path.charCodeAt(path.length - 1);
    if (path.charCodeAt(0) !== slash || last === slash || last === dot) return false;
    const end = path.lastIndexOf("/");
    const directory = this.#find(path.slice(0, end));
    if (directory === undefined) return false;
    const { entries } = directory;
    if (directory === this.#tree.root) {
      const name = path.slice(end + 1);
      return entries?.has(name) !== true && !this.#tree.isHidden(directory, name);
    }
    return entries === undefined || !entries.has(path.slice(end + 1));
  }

  /** The directory at `path` if nothing above it and no link is in the way. */
  directory(path: string): DirectoryNode | undefined {
    if (path.charCodeAt(0) !== slash) return undefined;
    return this.#find(path);
  }

  /** Stops looking at the clock. */
  close(): void {
    clearTimeout(this.#timer);
    this.#directories.clear();
  }

  #find(path: string): DirectoryNode | undefined {
    this.#lookupsLeft -= 1;
    if (this.#lookupsLeft <= 0 || this.#structure !== this.#tree.structure) this.#forget();
    return this.#directories.get(path) ?? this.#learn(path);
  }

  #forget(): void {
    this.#directories.clear();
    this.#structure = this.#tree.structure;
    this.#lookupsLeft = lookupsMax;
  }

  #learn(path: string): DirectoryNode | undefined {
    if (path === this.#tree.rootPath) return this.#remember(path, this.#tree.root);
    if (path.length <= this.#tree.rootPath.length) return undefined;
    const end = path.lastIndexOf("/");
    const name = path.slice(end + 1);
    if (end < 0 || name === "" || name === "." || name === "..") return undefined;
    const above = path.slice(0, end);
    const parent = this.#directories.get(above) ?? this.#learn(above);
    if (parent === undefined || this.#tree.isHidden(parent, name)) return undefined;
    const dentry = parent.entries?.get(name);
    if (dentry === undefined) return this.#learnLower(parent, name, path);
    const { node } = dentry;
    if (node?.kind !== "directory" || node.lowerPath !== path || !isAsInLower(node)) {
      return undefined;
    }
    return this.#remember(path, node);
  }

  #learnLower(parent: DirectoryNode, name: string, path: string): DirectoryNode | undefined {
    try {
      if (this.#tree.lower.lstat(path)?.isDirectory() !== true) return undefined;
    } catch (caught) {
      if (codeOf(caught) === undefined) throw caught;
      return undefined;
    }
    return this.#remember(path, this.#tree.passThrough(parent, name, path));
  }

  #remember(path: string, directory: DirectoryNode): DirectoryNode | undefined {
    if (!isAsInLower(directory)) return undefined;
    if (this.#directories.size >= directoriesMax) this.#forget();
    this.#directories.set(path, directory);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#forget();
    }, trustMs).unref();
    return directory;
  }
}

/** Whether the lower itself grants and refuses what the overlay would. */
function isAsInLower(directory: DirectoryNode): boolean {
  if (!directory.attached) return true;
  const stamp = directory.origin?.stamp;
  if (stamp === undefined) return false;
  const isOwned = directory.uid === stamp.uid && directory.gid === stamp.gid;
  return isOwned && (directory.mode & 0o7777) === stamp.mode;
}
