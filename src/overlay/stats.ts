import type fs from "node:fs";
import {
  bigIntStatsPrototype,
  dateOf,
  giveDates,
  hasLazyDates,
  nanosecondKeys,
  Stats,
  type StatsFields,
} from "../disk/lower/lower-classes.ts";
import { millisecondsOf, nanosecondsOf } from "./instant.ts";
import type { Node } from "./node.ts";

/** Preferred size of reads and writes, and unit of allocation, in bytes. */
const blockBytes = 4096;
/** Unit of `st_blocks`, in bytes. */
const sectorBytes = 512;

// `new Stats()` is deprecated; sharing its prototype makes objects of the same class.
const NodeStats = function (this: StatsFields, node: Node): void {
  const size = sizeOf(node);
  this.dev = Number(node.dev);
  this.mode = node.mode;
  this.nlink = node.nlink;
  this.uid = node.uid;
  this.gid = node.gid;
  this.rdev = node.kind === "other" ? node.rdev : 0;
  this.blksize = blockBytes;
  this.ino = Number(node.ino);
  this.size = size;
  this.blocks = blocksOf(node, size);
  this.atimeMs = millisecondsOf(node.atime);
  this.mtimeMs = millisecondsOf(node.mtime);
  this.ctimeMs = millisecondsOf(node.ctime);
  this.birthtimeMs = millisecondsOf(node.birthtime);
  if (nanosecondKeys.length > 0) keepNanoseconds(this, node);
  giveDates(this);
} as unknown as new (
  node: Node,
) => fs.Stats;
NodeStats.prototype = Stats.prototype;

function keepNanoseconds(stats: StatsFields, { atime, mtime, ctime, birthtime }: Node): void {
  const times = [atime, mtime, ctime, birthtime];
  const table = stats as unknown as Record<symbol, number>;
  for (const [index, key] of nanosecondKeys.entries()) table[key] = times[index]?.nanoseconds ?? 0;
}

/** Lasts for the sake of its hidden class, as {@link lastingFile} does. */
let lastStats: fs.Stats;

/** What `stat` says of an upper node. */
export function statsOf(node: Node): fs.Stats {
  lastStats = new NodeStats(node);
  return lastStats;
}

const hasLazyBigIntDates = Object.hasOwn(bigIntStatsPrototype, "mtime");

type BigIntStatsFields = { -readonly [Name in keyof fs.BigIntStats]: fs.BigIntStats[Name] };

// Field by field: a FUSE server makes one for nearly every message.
const NodeBigIntStats = function (this: BigIntStatsFields, node: Node): void {
  const size = sizeOf(node);
  this.dev = BigInt(node.dev);
  this.mode = BigInt(node.mode);
  this.nlink = BigInt(node.nlink);
  this.uid = BigInt(node.uid);
  this.gid = BigInt(node.gid);
  this.rdev = BigInt(node.kind === "other" ? node.rdev : 0);
  this.blksize = BigInt(blockBytes);
  this.ino = BigInt(node.ino);
  this.size = BigInt(size);
  this.blocks = BigInt(blocksOf(node, size));
  const atimeNs = nanosecondsOf(node.atime);
  const mtimeNs = nanosecondsOf(node.mtime);
  const ctimeNs = nanosecondsOf(node.ctime);
  const birthtimeNs = nanosecondsOf(node.birthtime);
  this.atimeMs = atimeNs / 1_000_000n;
  this.mtimeMs = mtimeNs / 1_000_000n;
  this.ctimeMs = ctimeNs / 1_000_000n;
  this.birthtimeMs = birthtimeNs / 1_000_000n;
  this.atimeNs = atimeNs;
  this.mtimeNs = mtimeNs;
  this.ctimeNs = ctimeNs;
  this.birthtimeNs = birthtimeNs;
  if (hasLazyBigIntDates) return;
  this.atime = dateOf(Number(this.atimeMs));
  this.mtime = dateOf(Number(this.mtimeMs));
  this.ctime = dateOf(Number(this.ctimeMs));
  this.birthtime = dateOf(Number(this.birthtimeMs));
} as unknown as new (
  node: Node,
) => fs.BigIntStats;
NodeBigIntStats.prototype = bigIntStatsPrototype;

let lastBigIntStats: fs.BigIntStats;

/** What `stat` with `bigint: true` says of an upper node. */
export function bigIntStatsOf(node: Node): fs.BigIntStats {
  lastBigIntStats = new NodeBigIntStats(node);
  return lastBigIntStats;
}

/** What `watchFile` says of a path at which nothing lies: zeros. */
export function absentStats(bigint: boolean): fs.Stats | fs.BigIntStats {
  const zero = bigint ? 0n : 0;
  const stats = Object.create(bigint ? bigIntStatsPrototype : Stats.prototype);
  for (const key of countKeys) stats[key] = zero;
  for (const name of timeNames) {
    stats[`${name}Ms`] = zero;
    if (bigint) stats[`${name}Ns`] = zero;
    if (!hasLazyDates) stats[name] = dateOf(0);
  }
  if (!bigint) for (const key of nanosecondKeys) stats[key] = 0;
  return stats;
}

const timeNames = ["atime", "mtime", "ctime", "birthtime"] as const;
const countKeys = [
  "dev",
  "mode",
  "nlink",
  "uid",
  "gid",
  "rdev",
  "blksize",
  "ino",
  "size",
  "blocks",
] as const;

function sizeOf(node: Node): number {
  switch (node.kind) {
    case "file":
      return node.content.size;
    case "symlink":
      return Buffer.byteLength(node.target);
    case "directory":
      return blockBytes;
    case "other":
      return 0;
  }
}

function blocksOf(node: Node, size: number): number {
  if (node.kind === "other" || node.kind === "symlink") return 0;
  if (node.kind === "file") return Math.ceil(node.content.allocatedBytes / sectorBytes);
  return Math.ceil(size / blockBytes) * (blockBytes / sectorBytes);
}
