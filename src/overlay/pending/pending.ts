import type { ByteRange } from "../../disk/data-ranges.ts";
import type { Stamp } from "../../disk/stamp.ts";
import type { TreePath } from "../../disk/tree-path.ts";

/**
 * What the upper holds, as plain data: the seam between the overlay and everything that reads it
 * (diff, drafts, the sandbox). Produced in tree order, parents directly before their children, in
 * time proportional to the number of entries in the upper and never to the size of the lower.
 */
export type Pending =
  | PendingWhiteout
  | PendingFile
  | PendingDirectory
  | PendingSymlink
  | PendingOther;

/** A node that the real tree holds. */
export interface LowerNode {
  /** Where it lies in the lower; differs from the entry's path after a rename. */
  readonly path: TreePath;
  /** Taken when the overlay first relied on it. */
  readonly stamp: Stamp;
  /**
   * Of a directory: nothing that was changed in it at this moment or later has been seen, so that
   * hiding it does not mean that. Nanoseconds since the epoch; `undefined` where it is not known.
   */
  readonly seenNs?: bigint | undefined;
  /** Of a file or link: the id of what it held then, or its target's, where anybody has read it. */
  readonly oid?: string | undefined;
  /** Of an index of git: what identifies what it said then, where anybody has read it. */
  readonly indexId?: string | undefined;
}

/** Metadata of an upper node. Times in nanoseconds since the epoch. */
export interface NodeMeta {
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
}

interface PendingBase {
  readonly path: TreePath;
  /** What the lower holds at this very path, whether it is hidden, replaced or changed. */
  readonly base: LowerNode | undefined;
  /** Grows with every change of the overlay: the last change of this entry. */
  readonly generation: number;
}

/** The lower entry at this path is deleted and nothing lies in its place. */
export interface PendingWhiteout extends PendingBase {
  readonly kind: "whiteout";
  readonly base: LowerNode;
}

interface PendingNode extends PendingBase {
  /** Identity in the overlay: entries with the same `ino` are hard links of one node. */
  readonly ino: bigint;
  readonly meta: NodeMeta;
  /** The lower node that this one was before a rename or copy-up; `undefined` when it is new. */
  readonly origin: LowerNode | undefined;
  /** Whether the caller set the times explicitly (utimes), rather than by writing. */
  readonly timesSet: boolean;
}

export interface PendingFile extends PendingNode {
  readonly kind: "file";
  readonly nlink: number;
  readonly content: Content;
}

export interface PendingDirectory extends PendingNode {
  readonly kind: "directory";
  /** Nothing of the lower shows through: neither of `base` nor of a redirect. */
  readonly opaque: boolean;
  /** The lower directory that shows through when it is not the one at `path`. */
  readonly redirect: TreePath | undefined;
}

export interface PendingSymlink extends PendingNode {
  readonly kind: "symlink";
  /** Exactly as it was given, never resolved. */
  readonly target: string;
}

/** A fifo, socket or device that a command made: reported, never committed. */
export interface PendingOther extends PendingNode {
  readonly kind: "other";
}

/** Readable bytes of a file as it was when the entry was produced; later writes do not show. */
export interface Content {
  readonly size: number;
  /** The untouched lower file that this content is, byte for byte; then nothing needs comparing. */
  readonly lower: LowerNode | undefined;
  /** The lower file that parts of it are read from still, as long as that is as it was. */
  readonly below?: LowerNode | undefined;
  /** A file outside the tree that holds exactly these bytes and may be renamed into place. */
  readonly spilled: string | undefined;
  /** Fills `buffer` from `position`; returns the bytes read, fewer only at the end. */
  read(buffer: Uint8Array, position: number): number;
  /**
   * Where there is data, in order; what lies between is holes, which read as zeros. Missing where
   * nothing is known of holes.
   */
  dataRanges?(): Iterable<ByteRange>;
}
