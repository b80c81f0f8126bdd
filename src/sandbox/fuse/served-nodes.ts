import { ModeStats, type NodeStats } from "../../disk/node-stats.ts";
import type { NodeMeta } from "../../overlay/pending/pending.ts";
import type { ToldNode } from "../harvest/harvest-source.ts";
import { type Attributes, attributesBytes, writeAttributes } from "./protocol.ts";

/** Files up to this size are handed over with their attributes: a harvest copies them anyway. */
export const handedBytesMax = 256 * 1024;

/** Bytes of files that are handed over in one look: server and reader hold them in memory. */
export const lookBytesMax = 32 * 1024 * 1024;

/**
 * How a look is told: the length of a JSON text (4 bytes), the text, and for each node of which it
 * tells, in its order, `struct fuse_attr` and the length of its bytes (4 bytes, `absent` where they
 * are not told) with the bytes behind it.
 */
const lengthBytes = 4;
const absent = 0xffff_ffff;

/** The whole message. */
export function encodeLook(text: string, nodes: readonly Buffer[]): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.allocUnsafe(lengthBytes);
  length.writeUInt32LE(bytes.length, 0);
  return Buffer.concat([length, bytes, ...nodes]);
}

/** One node of it, without its bytes, which follow. */
export function encodeNode(attributes: Attributes, bytes: Buffer | undefined): Buffer {
  const record = Buffer.allocUnsafe(attributesBytes + lengthBytes);
  writeAttributes(record, 0, attributes);
  record.writeUInt32LE(bytes?.length ?? absent, attributesBytes);
  return record;
}

/** Who everything belongs to, as the host numbers him, where a mount knows one user alone. */
export type SoleOwner = Pick<NodeMeta, "uid" | "gid">;

/** The text of a message, and its nodes one after the other. */
export function decodeLook(
  message: Buffer,
  owner: SoleOwner | undefined,
): { readonly text: string; readonly nodes: Generator<ToldNode> } {
  const end = lengthBytes + message.readUInt32LE(0);
  const text = message.toString("utf8", lengthBytes, end);
  return { text, nodes: decodeNodes(message, end, owner) };
}

function* decodeNodes(
  message: Buffer,
  start: number,
  owner: SoleOwner | undefined,
): Generator<ToldNode> {
  for (let at = start; at < message.length; ) {
    const stats = new ServedStats(message, at, owner);
    const length = message.readUInt32LE(at + attributesBytes);
    at += attributesBytes + lengthBytes;
    const end = length === absent ? at : at + length;
    yield { stats, bytes: length === absent ? undefined : message.subarray(at, end) };
    at = end;
  }
}

/** What `struct fuse_attr` says, as a look through the mount would. */
class ServedStats extends ModeStats implements NodeStats {
  readonly ino: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly size: bigint;
  readonly rdev: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  /** FUSE tells of none. */
  readonly birthtimeNs = 0n;

  constructor(bytes: Buffer, offset: number, owner: SoleOwner | undefined) {
    super(bytes.readUInt32LE(offset + 60));
    const timeAt = (index: number): bigint =>
      bytes.readBigInt64LE(offset + 24 + index * 8) * 1_000_000_000n +
      BigInt(bytes.readUInt32LE(offset + 48 + index * 4));
    this.ino = bytes.readBigUInt64LE(offset);
    this.size = bytes.readBigUInt64LE(offset + 8);
    this.atimeNs = timeAt(0);
    this.mtimeNs = timeAt(1);
    this.ctimeNs = timeAt(2);
    this.nlink = BigInt(bytes.readUInt32LE(offset + 64));
    this.uid = BigInt(owner?.uid ?? bytes.readUInt32LE(offset + 68));
    this.gid = BigInt(owner?.gid ?? bytes.readUInt32LE(offset + 72));
    this.rdev = BigInt(bytes.readUInt32LE(offset + 76));
  }
}
