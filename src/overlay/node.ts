import { constants } from "../disk/lower/lower-classes.ts";
import type { FileContent } from "./content/file-content.ts";
import type { Instant } from "./instant.ts";
import type { LowerNode } from "./pending/pending.ts";

const { S_IFDIR, S_IFLNK, S_IFREG } = constants;

/** Owner and times that a new node starts with. */
export interface NodeOrigin {
  readonly ino: number | bigint;
  readonly dev: number | bigint;
  /** Permission bits; the type is the node's own. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly now: Instant;
}

/**
 * What every inode of the upper has. Fields are changed through `Tree` only, which records undo.
 */
abstract class NodeBase {
  ino: number | bigint;
  dev: number | bigint;
  /** Type and permission bits, as in `st_mode`. */
  mode: number;
  uid: number;
  gid: number;
  nlink = 1;
  atime: Instant;
  mtime: Instant;
  ctime: Instant;
  birthtime: Instant;
  /** The lower node that this one was before it was copied up. */
  origin: LowerNode | undefined = undefined;
  /** Whether the times were set by the caller, rather than by writing. */
  timesSet = false;
  generation = 0;
  /** The directory and name that it was last put under; with hard links there are others. */
  parent: DirectoryNode | undefined = undefined;
  name = "";
  /** The savepoint for which the state before it is on the undo log already. */
  savedFor = 0;

  constructor(from: NodeOrigin, type: number) {
    this.ino = from.ino;
    this.dev = from.dev;
    this.mode = type | (from.mode & 0o7777);
    this.uid = from.uid;
    this.gid = from.gid;
    this.atime = from.now;
    this.mtime = from.now;
    this.ctime = from.now;
    this.birthtime = from.now;
  }

  /** Whether it has the permission bits and the owner of the lower node that it was before. */
  get isOwnedAsBelow(): boolean {
    const stamp = this.origin?.stamp;
    if (stamp === undefined || (this.mode & 0o7777) !== stamp.mode) return false;
    return this.uid === stamp.uid && this.gid === stamp.gid;
  }
}

/** A regular file. */
export class FileNode extends NodeBase {
  readonly kind = "file" as const;
  content: FileContent;

  constructor(from: NodeOrigin, content: FileContent) {
    super(from, S_IFREG);
    this.content = content;
  }
}

/** A symbolic link. */
export class SymlinkNode extends NodeBase {
  readonly kind = "symlink" as const;
  target: string;

  constructor(from: NodeOrigin, target: string) {
    super({ ...from, mode: 0o777 }, S_IFLNK);
    this.target = target;
  }
}

/**
 * A fifo, socket or device of the lower that was moved or changed; its content is never touched.
 */
export class OtherNode extends NodeBase {
  readonly kind = "other" as const;
  /** Device number, as in `st_rdev`. */
  rdev = 0;
}

/**
 * A directory that the overlay knows: one that it holds itself, or a lower one that a lookup passed
 * through. The latter has no entries, is attached to no parent and can be forgotten at any time.
 */
export class DirectoryNode extends NodeBase {
  readonly kind = "directory" as const;
  /** Absolute path of the lower directory that shows through, if one does. */
  lowerPath: string | undefined;
  /**
   * Absolute path of the lower directory in the same place that this one hides, if there is one.
   */
  coveredPath: string | undefined = undefined;
  /** What the upper holds in this directory. */
  entries: Map<string, Dentry> | undefined = undefined;
  /** Lower sub-directories that lookups passed through and nothing changed. */
  readonly passed = new Map<string, DirectoryNode>();
  /** Whether the upper holds this directory: only then its mode, owner and times are ours. */
  attached = false;
  /** Whether its last name is gone; only handles reach it still. */
  removed = false;

  constructor(
    from: NodeOrigin,
    place: { parent: DirectoryNode | undefined; name: string; lowerPath: string | undefined },
  ) {
    super(from, S_IFDIR);
    this.nlink = 2;
    this.parent = place.parent;
    this.name = place.name;
    this.lowerPath = place.lowerPath;
  }
}

export type Node = FileNode | DirectoryNode | SymlinkNode | OtherNode;

/** Creates an {@link OtherNode}: `type` is its `S_IF…` bits. */
export function otherNode(from: NodeOrigin, type: number, rdev: number): OtherNode {
  const node = new OtherNode(from, type);
  node.rdev = rdev;
  return node;
}

/** What the upper says of one name in a directory. Immutable: a change replaces it. */
export interface Dentry {
  /** `undefined` is a whiteout: the lower entry of this name is deleted. */
  readonly node: Node | undefined;
  /** What the lower holds under this name, shown through or hidden. */
  readonly base: LowerNode | undefined;
  readonly generation: number;
}
