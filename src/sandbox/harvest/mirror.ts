import type { NodeStats } from "../../disk/node-stats.ts";
import { childOf, type TreePath } from "../../disk/tree-path.ts";

/** Which directory of the lower shows through a directory of the upper. */
export interface Merge {
  readonly lower: TreePath | undefined;
  /** Whether that is not what a lower directory at the same place would show. */
  readonly isMoved: boolean;
}

/**
 * What one path of the namespace's upper looked like when it and the layer last agreed. Whatever
 * differs from it in the upper is the work of a command; whatever is newer than it in the layer is
 * the work of the API.
 */
export class MirrorNode {
  readonly children = new Map<string, MirrorNode>();
  /** Generation of the layer's entry when it was pushed or harvested; `undefined` when implied. */
  generation: number | undefined = undefined;
  /** Identity and change time in the upper; `undefined` when it is not known to be there. */
  ino: bigint | undefined = undefined;
  ctimeNs = 0n;
  /** Within one tick of the clock the change time says nothing; a push sets this one itself. */
  mtimeNs = 0n;
  sizeBytes = 0n;
  /** Time of the last access to a file, by which it is known that somebody may have mapped it. */
  atimeNs = 0n;
  isDirectory = false;
  /** The directory of the lower that was copied here to stand for a renamed one. */
  redirect: TreePath | undefined = undefined;
  isOpaque = false;
  /** What shows through this directory in the namespace, once a harvest has found out. */
  merge: Merge | undefined = undefined;
  /** Harvested while a command was running: memory maps may change it without a new time. */
  isUnsettled = false;
  /** Inode of the directory whose names a `ViewWatch` watches. */
  watchedIno: bigint | undefined = undefined;
  /** Number of the push that last found it in the layer. */
  seenAt = 0;

  /** Whether the upper still holds exactly what was recorded. */
  matches(stats: NodeStats): boolean {
    return (
      this.ino === stats.ino &&
      this.ctimeNs === stats.ctimeNs &&
      this.mtimeNs === stats.mtimeNs &&
      this.sizeBytes === stats.size
    );
  }

  /** Whether every name that is touched in this directory becomes known. */
  get isWatched(): boolean {
    return this.watchedIno !== undefined && this.watchedIno === this.ino;
  }

  /** The directory at `path` is a command's: what shows through it in the layer is the same. */
  takeMerge(merge: Merge, path: TreePath): void {
    this.isOpaque = merge.lower === undefined;
    this.redirect = merge.lower === path ? undefined : merge.lower;
  }

  /** Takes note of what the upper holds now. */
  record(stats: NodeStats): void {
    this.ino = stats.ino;
    this.ctimeNs = stats.ctimeNs;
    this.mtimeNs = stats.mtimeNs;
    this.sizeBytes = stats.size;
    this.atimeNs = stats.atimeNs;
    this.isDirectory = stats.isDirectory();
  }
}

/** The mirror of a whole upper, as a tree. */
export class Mirror {
  readonly root = new MirrorNode();
  /** Generation of the layer up to which everything was pushed. */
  generation = -1;
  /**
   * Everything was looked at when nothing ran that could go on changing it: what is not touched
   * from then on is the same.
   */
  isSettled = false;
  /** Some file has several names: what is touched by one of them changes the others. */
  hasLinks = false;
  /** When the last harvest began, in nanoseconds since the epoch. */
  lookedNs = 0n;
  /** A running command was in the way of the last push: another one has to go on. */
  isIncomplete = false;
  /** Files of the lower that were found under another name, by their place there. */
  readonly recognised = new Map<TreePath, TreePath>();

  find(path: TreePath): MirrorNode | undefined {
    let node: MirrorNode | undefined = this.root;
    if (path === "") return node;
    for (const name of path.split("/")) {
      node = node.children.get(name);
      if (node === undefined) return undefined;
    }
    return node;
  }

  /** The node at `path`, created with those above it where there is none. */
  ensure(path: TreePath): MirrorNode {
    let node = this.root;
    if (path === "") return node;
    for (const name of path.split("/")) {
      let child = node.children.get(name);
      if (child === undefined) {
        child = new MirrorNode();
        node.children.set(name, child);
        node.isDirectory = true;
      }
      node = child;
    }
    return node;
  }

  remove(path: TreePath): void {
    const slash = path.lastIndexOf("/");
    const parent = this.find(slash < 0 ? "" : path.slice(0, slash));
    parent?.children.delete(path.slice(slash + 1));
  }

  /** All nodes below the root, parents first. */
  *entries(
    node: MirrorNode = this.root,
    path: TreePath = "",
  ): Generator<{ readonly path: TreePath; readonly node: MirrorNode }> {
    for (const [name, child] of node.children) {
      const childPath = childOf(path, name);
      yield { path: childPath, node: child };
      yield* this.entries(child, childPath);
    }
  }
}
