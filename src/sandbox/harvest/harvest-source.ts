import type { BigIntStats } from "node:fs";
import type { NodeStats } from "../../disk/node-stats.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import type { LentContents } from "./lent-contents.ts";
import type { Mirror } from "./mirror.ts";
import type { PinnedTree } from "./pinned-tree.ts";
import type { TouchedNames } from "./touched-names.ts";
import type { ViewWatch } from "./view-watch.ts";

/** The places that a harvest works between. */
export interface HarvestSource {
  readonly layer: Layer;
  readonly view: PinnedTree;
  readonly upper: PinnedTree;
  readonly mirror: Mirror;
  /** A lower node that changed at or after this moment may not be what the command saw. */
  readonly startedNs: bigint;
  /** Names that came into a directory before this moment were there for who removed it. */
  readonly listedNs: bigint;
  /** Whether commands may still be writing. */
  readonly isLive: boolean;
  /** Keeps the bytes of harvested files. */
  readonly contents: LentContents;
  /** Whether the upper holds the whole tree (a clone), so that nothing shows through it. */
  readonly isComplete: boolean;
  /**
   * Which files may have been written without a new change time: on a tmpfs, writing by a memory
   * map moves none when the page was read first. None; or those whose access time has moved.
   */
  readonly writtenByMap: "none" | "accessed";
  /**
   * How to tell a file of the disk under another name from a new one. By the inode numbers that the
   * view shows (`shown`), in directories of the upper that the kernel has marked for that
   * (`marked`); or the engine itself knows where one lay. Missing where nothing tells.
   */
  readonly origins?:
    | "shown"
    | "marked"
    | ((path: TreePath, stats: NodeStats) => TreePath | undefined);
  /** What alone can have changed, where the engine itself knows. */
  readonly touched?: TouchedNames | undefined;
  /** Finds out what was touched in the view, where something can. */
  readonly watch?: ViewWatch;
  /** What lies at a path, where the engine itself has told. */
  readonly nodeAt?: (path: TreePath) => ToldNode | undefined;
  /** The names in a directory of the upper, where it cannot be listed. */
  readonly readNames?: (path: TreePath) => readonly string[];
  /** The redirect attribute of a directory of the upper, where the engine uses it. */
  readonly readRedirect?: (path: TreePath) => string | undefined;
  /**
   * Where on the disk a node lies that the upper shows as the user's own and is another's: in a
   * namespace of one user no other has a number.
   */
  readonly readForeign?: (path: TreePath) => TreePath | undefined;
}

/** A node of the upper that need not be looked at. */
export interface ToldNode {
  readonly stats: NodeStats;
  /** What it holds, if it is a small file; whoever keeps it copies it. */
  readonly bytes: Buffer | undefined;
}

/** The names in a directory of the upper. */
export function upperNames({ upper, readNames }: HarvestSource, path: TreePath): Set<string> {
  return new Set(readNames === undefined ? upper.readdir(path) : readNames(path));
}

/** One entry of the upper, and what the real tree holds at its path. */
export interface Entry {
  readonly path: TreePath;
  readonly stats: NodeStats;
  /** What the lower holds at the very path. */
  readonly lower: BigIntStats | undefined;
  /** Path in the lower of what would show through here. */
  readonly shown: TreePath | undefined;
}
