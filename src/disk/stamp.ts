import type { BigIntStats } from "node:fs";

/** What lies at a path. `other` is a fifo, socket or device: reported, never committed. */
export type NodeKind = "file" | "directory" | "symlink" | "other";

/**
 * What identifies a node of the lower that a change is based on. Two equal stamps mean the same
 * inode with the same content, up to the granularity of the file system's clock: where that is not
 * enough, content is compared by hash.
 */
export interface Stamp {
  readonly kind: NodeKind;
  readonly dev: bigint;
  readonly ino: bigint;
  /** Permission bits with setuid, setgid and sticky (`mode & 0o7777`). */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** The stamp of a node as `lstat(…, { bigint: true })` sees it. */
export function stampOf(stats: BigIntStats): Stamp {
  return {
    kind: kindOf(stats),
    dev: stats.dev,
    ino: stats.ino,
    mode: Number(stats.mode) & 0o7777,
    nlink: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: Number(stats.size),
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  };
}

/** For a file of which no more is known than its place and size: that of no file. */
export function placeOnly(size: number): Stamp {
  const nothing = { mode: 0, nlink: 1, uid: 0, gid: 0 };
  return { kind: "file", dev: 0n, ino: 0n, ...nothing, size, mtimeNs: 0n, ctimeNs: 0n };
}

/** Whether a stamp is a {@link placeOnly}. */
export function isPlaceOnly({ dev, ino }: Pick<Stamp, "dev" | "ino">): boolean {
  return dev === 0n && ino === 0n;
}

/** Which inode it is, whatever it holds. */
export function identityOf(stamp: Pick<Stamp, "dev" | "ino">): string {
  return `${stamp.dev}:${stamp.ino}`;
}

/** Whether nothing has happened to a node between two looks at it, up to the disk's clock. */
export function isUntouched(now: Stamp, then: Stamp): boolean {
  return isUnwritten(now, then) && now.ctimeNs === then.ctimeNs;
}

/** Whether it is the node with the content that it had; a mere chmod or link may have come. */
export function isUnwritten(now: Stamp, then: Stamp): boolean {
  return (
    now.ino === then.ino &&
    now.dev === then.dev &&
    now.kind === then.kind &&
    now.size === then.size &&
    now.mtimeNs === then.mtimeNs
  );
}

/** The kind of a node from its stats. */
export function kindOf(stats: {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}): NodeKind {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  return stats.isSymbolicLink() ? "symlink" : "other";
}
