import { instantOf } from "../instant.ts";
import type { Node } from "../node.ts";

/** Gives a node the metadata of the lower node that it is copied up from. */
export function takeMetadata(
  node: Node,
  stats: {
    ino: bigint;
    dev: bigint;
    mode: bigint;
    uid: bigint;
    gid: bigint;
    nlink: bigint;
    atimeNs: bigint;
    mtimeNs: bigint;
    ctimeNs: bigint;
    birthtimeNs: bigint;
  },
): void {
  node.ino = numberOrBigint(stats.ino);
  node.dev = numberOrBigint(stats.dev);
  node.mode = Number(stats.mode);
  node.uid = Number(stats.uid);
  node.gid = Number(stats.gid);
  node.nlink = Number(stats.nlink);
  node.atime = instantOf(stats.atimeNs);
  node.mtime = instantOf(stats.mtimeNs);
  node.ctime = instantOf(stats.ctimeNs);
  node.birthtime = instantOf(stats.birthtimeNs);
}

function numberOrBigint(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
