import { createHash } from "node:crypto";
import type { ObjectId } from "./object-id.ts";
import { checksumBytes, type PackEntry } from "./pack-format.ts";

/**
 * Git's pack index, version 2 (gitformat-pack), which finds an object in a pack:
 *
 *     index   = 0xff "tOc" 2:u32be fanout ids crcs offsets large pack-checksum checksum
 *     fanout  = 256 × u32be: how many ids begin with a byte up to this one
 *     ids     = sorted object ids, 20 bytes each
 *     crcs    = u32be each, of the packed entry
 *     offsets = u32be each; with the top bit set, a position in `large`
 *     large   = u64be each
 *
 * It is derived from its pack: a damaged one is built again.
 */
const magic = 0xff744f63;
const version = 2;
const fanoutBytes = 256 * 4;
const idBytes = 20;
const headerBytes = 8;
const largeOffsetBit = 0x80000000;

/** The bytes of the id that is being looked for. */
const scratch = Buffer.alloc(idBytes);

/** The bytes of the index of a pack. */
export function encodePackIndex(entries: readonly PackEntry[], packChecksum: string): Buffer {
  const sorted = entries.toSorted((a, b) => (a.oid < b.oid ? -1 : a.oid > b.oid ? 1 : 0));
  const large = sorted.filter((entry) => entry.offset >= largeOffsetBit);
  const layout = layoutOf(sorted.length);
  const size = layout.large + large.length * 8 + 2 * checksumBytes;
  const buffer = Buffer.alloc(size);
  buffer.writeUInt32BE(magic, 0);
  buffer.writeUInt32BE(version, 4);
  let largeCount = 0;
  for (const [index, { oid, crc, offset }] of sorted.entries()) {
    buffer.write(oid, layout.ids + index * idBytes, "hex");
    buffer.writeUInt32BE(crc, layout.crcs + index * 4);
    if (offset < largeOffsetBit) {
      buffer.writeUInt32BE(offset, layout.offsets + index * 4);
    } else {
      buffer.writeUInt32BE(largeOffsetBit + largeCount, layout.offsets + index * 4);
      buffer.writeBigUInt64BE(BigInt(offset), layout.large + largeCount * 8);
      largeCount += 1;
    }
  }
  writeFanout(buffer, layout.ids, sorted.length);
  buffer.write(packChecksum, size - 2 * checksumBytes, "hex");
  sha1(buffer.subarray(0, size - checksumBytes)).copy(buffer, size - checksumBytes);
  return buffer;
}

/** A readable pack index. */
export class PackIndex {
  readonly #bytes: Buffer;
  /** Number of objects in the pack. */
  readonly count: number;
  /** The checksum of the pack that this index belongs to. */
  readonly packChecksum: string;

  private constructor(bytes: Buffer, count: number) {
    this.#bytes = bytes;
    this.count = count;
    const end = bytes.length - checksumBytes;
    this.packChecksum = bytes.toString("hex", end - checksumBytes, end);
  }

  /** The index in `bytes`, `undefined` when they are damaged in any way. */
  static parse(bytes: Buffer): PackIndex | undefined {
    if (bytes.length < headerBytes + fanoutBytes + 2 * checksumBytes) return undefined;
    if (bytes.readUInt32BE(0) !== magic || bytes.readUInt32BE(4) !== version) return undefined;
    const end = bytes.length - checksumBytes;
    if (!sha1(bytes.subarray(0, end)).equals(bytes.subarray(end))) return undefined;
    const count = bytes.readUInt32BE(headerBytes + fanoutBytes - 4);
    if (layoutOf(count).large + 2 * checksumBytes > bytes.length) return undefined;
    return new PackIndex(bytes, count);
  }

  /** Position of the object in the pack, `undefined` when it is not in it. */
  findOffset(oid: ObjectId): number | undefined {
    const wanted = scratch;
    wanted.write(oid, 0, "hex");
    const first = wanted[0] as number;
    let low = first === 0 ? 0 : this.#fanout(first - 1);
    let high = this.#fanout(first) - 1;
    const ids = layoutOf(this.count).ids;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const start = ids + middle * idBytes;
      const order = this.#bytes.compare(wanted, 0, idBytes, start, start + idBytes);
      if (order === 0) return this.#offsetAt(middle);
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** Every entry, sorted by object id. */
  *entries(): Generator<PackEntry> {
    const layout = layoutOf(this.count);
    for (let index = 0; index < this.count; index++) {
      const start = layout.ids + index * idBytes;
      yield {
        oid: this.#bytes.toString("hex", start, start + idBytes),
        offset: this.#offsetAt(index),
        crc: this.#bytes.readUInt32BE(layout.crcs + index * 4),
      };
    }
  }

  /** Position of every entry, sorted by object id. */
  *offsets(): Generator<number> {
    for (let index = 0; index < this.count; index++) yield this.#offsetAt(index);
  }

  #fanout(byte: number): number {
    return this.#bytes.readUInt32BE(headerBytes + byte * 4);
  }

  #offsetAt(index: number): number {
    const layout = layoutOf(this.count);
    const offset = this.#bytes.readUInt32BE(layout.offsets + index * 4);
    if (offset < largeOffsetBit) return offset;
    return Number(this.#bytes.readBigUInt64BE(layout.large + (offset - largeOffsetBit) * 8));
  }
}

function layoutOf(count: number): { ids: number; crcs: number; offsets: number; large: number } {
  const ids = headerBytes + fanoutBytes;
  const crcs = ids + count * idBytes;
  const offsets = crcs + count * 4;
  return { ids, crcs, offsets, large: offsets + count * 4 };
}

function writeFanout(buffer: Buffer, ids: number, count: number): void {
  let index = 0;
  for (let byte = 0; byte < 256; byte++) {
    while (index < count && (buffer[ids + index * idBytes] as number) <= byte) index += 1;
    buffer.writeUInt32BE(index, headerBytes + byte * 4);
  }
}

function sha1(bytes: Uint8Array): Buffer {
  return createHash("sha1").update(bytes).digest();
}
