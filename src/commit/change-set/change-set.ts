import type { Stamp } from "../../disk/stamp.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { Content } from "../../overlay/pending/pending.ts";

/**
 * A change set: what lies at each touched path before and after, sorted by path, parents first.
 * It is a value, made by the diff of an overlay, by undo and restore, or read from a plan file, and
 * it is all that the commit pipeline needs to know of them.
 */
export interface ChangeSet {
  /** Absolute path of the root that the paths are relative to. */
  readonly root: string;
  readonly changes: readonly Change[];
  /** Fifos, sockets and devices that were met: they are left as they are on the disk. */
  readonly unsupported?: readonly TreePath[];
}

/** What lies at a path. */
export type NodeState = FileState | DirectoryState | SymlinkState;

interface StateBase {
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

export interface FileState extends StateBase {
  readonly kind: "file";
  readonly mode: number;
  readonly size: number;
  /** The blob id of its bytes, when it is known already. */
  readonly oid: ObjectId | undefined;
}

export interface DirectoryState extends StateBase {
  readonly kind: "directory";
  readonly mode: number;
}

export interface SymlinkState extends StateBase {
  readonly kind: "symlink";
  readonly target: string;
}

/** What differs between the two states of a modified path. `type` excludes the others. */
export type Aspect = "content" | "mode" | "owner" | "times" | "target" | "type";

export type Change = CreateChange | ModifyChange | DeleteChange | RenameChange;

interface ChangeBase {
  readonly path: TreePath;
}

/** The lower side of a change: what is expected to lie on the disk. */
export interface Before {
  readonly state: NodeState;
  /** Where the expectation comes from; without it the content id in `state` decides alone. */
  readonly stamp: Stamp | undefined;
  /** Identifies what an index of git said, see `indexIdOf`: another that says it is the same. */
  readonly indexId?: string;
  /** How many names the file has, where no stamp tells and there is more than one. */
  readonly names?: number;
}

/** How many names a file has that a change is based on. */
export function namesOf({ stamp, names = 1 }: Before): number {
  return stamp?.kind === "file" ? stamp.nlink : names;
}

/** The upper side of a change: what shall lie on the disk. */
export interface After {
  readonly state: NodeState;
  /** The bytes of a file whose content is new at this path; `undefined` for all other nodes. */
  readonly content: Content | undefined;
  /** Whether `mtimeNs` is to be set as given; otherwise the time of writing stands. */
  readonly timesSet: boolean;
  /** Paths of one hard-link group carry the same number; `undefined` for a file with one name. */
  readonly linkGroup: number | undefined;
  /**
   * The node that lay at the path before, with new bytes. Where it has other names, the bytes are
   * written into it, so that the other names keep showing the same file, as on a disk.
   */
  readonly sameNode?: boolean;
  /**
   * The unchanged file of the old tree that this is one more name of, where no `content` tells.
   */
  readonly source?: { readonly path: TreePath; readonly before: Before };
}

/** Nothing lay at the path. */
export interface CreateChange extends ChangeBase {
  readonly kind: "create";
  readonly after: After;
}

export interface ModifyChange extends ChangeBase {
  readonly kind: "modify";
  readonly before: Before;
  readonly after: After;
  readonly aspects: readonly Aspect[];
}

export interface DeleteChange extends ChangeBase {
  readonly kind: "delete";
  /**
   * Its place in the old tree where `path` cannot tell: it lay in a directory that gave way to
   * another one, renamed to the same path, in which something may lie at `path` now.
   */
  readonly place?: TreePath;
  readonly before: Before;
}

/**
 * A node moved from `from` to `path`, perhaps changed on the way. A directory moves with all that
 * is in it; changes inside it follow as changes of their own, under the new path. What lay at
 * `path` before, if anything, is in `replaced`.
 */
export interface RenameChange extends ChangeBase {
  readonly kind: "rename";
  readonly from: TreePath;
  readonly before: Before;
  readonly after: After;
  readonly aspects: readonly Aspect[];
  readonly replaced: Before | undefined;
}
