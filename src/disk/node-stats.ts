import type { BigIntStats } from "node:fs";
import { constants } from "node:fs";

/** What stats of a node tell, by Node's call or by a native one. */
export type NodeStats = Pick<
  BigIntStats,
  | "mode"
  | "ino"
  | "nlink"
  | "uid"
  | "gid"
  | "size"
  | "rdev"
  | "atimeNs"
  | "mtimeNs"
  | "ctimeNs"
  | "birthtimeNs"
  | "isFile"
  | "isDirectory"
  | "isSymbolicLink"
  | "isCharacterDevice"
  | "isSocket"
>;

/** What the mode tells of the kind of a node. */
export class ModeStats {
  readonly mode: bigint;
  readonly #type: number;

  constructor(mode: number) {
    this.mode = BigInt(mode);
    this.#type = mode & constants.S_IFMT;
  }

  isFile(): boolean {
    return this.#type === constants.S_IFREG;
  }

  isDirectory(): boolean {
    return this.#type === constants.S_IFDIR;
  }

  isSymbolicLink(): boolean {
    return this.#type === constants.S_IFLNK;
  }

  isCharacterDevice(): boolean {
    return this.#type === constants.S_IFCHR;
  }

  isSocket(): boolean {
    return this.#type === constants.S_IFSOCK;
  }
}

/** Bytes of `struct statx` of statx(2). */
export const statxBytes = 256;

/** What statx(2) has written. */
export class StatxStats extends ModeStats implements NodeStats {
  readonly ino: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly size: bigint;
  readonly rdev: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** 0 where the file system keeps none, as Node has it. */
  readonly birthtimeNs: bigint;

  /** @param bytes the struct; may be used again afterwards. */
  constructor(bytes: Buffer) {
    super(bytes.readUInt16LE(28));
    this.nlink = BigInt(bytes.readUInt32LE(16));
    this.uid = BigInt(bytes.readUInt32LE(20));
    this.gid = BigInt(bytes.readUInt32LE(24));
    this.ino = bytes.readBigUInt64LE(32);
    this.size = bytes.readBigUInt64LE(40);
    this.atimeNs = timeAt(bytes, 64);
    this.birthtimeNs = timeAt(bytes, 80);
    this.ctimeNs = timeAt(bytes, 96);
    this.mtimeNs = timeAt(bytes, 112);
    this.rdev = BigInt(makeDevice(bytes.readUInt32LE(128), bytes.readUInt32LE(132)));
  }
}

/** Nanoseconds since the epoch, of a time in such a struct. */
export function timeAt(bytes: Buffer, offset: number): bigint {
  return bytes.readBigInt64LE(offset) * 1_000_000_000n + BigInt(bytes.readUInt32LE(offset + 8));
}

/** As Linux packs a device number, up to 20 bits of minor number. */
export function makeDevice(major: number, minor: number): number {
  return major * 256 + (minor & 0xff) + (minor >>> 8) * 0x100000;
}
