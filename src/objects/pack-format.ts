import type { ObjectId, ObjectKind } from "./object-id.ts";

/**
 * Git's pack, version 2 (gitformat-pack):
 *
 *     pack    = "PACK" version:u32be count:u32be entry{count} sha1-of-all-before
 *     entry   = header zlib-stream                       (whole object)
 *             | header distance zlib-stream              (delta against an earlier entry)
 *             | header base-id zlib-stream               (delta against an object by id)
 *     header  = type and size: 4 bits of size in the first byte, then 7 bits in each next one
 *
 * We write whole objects only, their zlib streams made of stored blocks: at commit time the
 * processor is the bottleneck, and `gc` compresses later.
 */
export const packHeaderBytes = 12;
export const checksumBytes = 20;
export const packVersion = 2;

/** Entry types by their number in the format; 5 is reserved. */
export const entryTypes = {
  commit: 1,
  tree: 2,
  blob: 3,
  tag: 4,
  offsetDelta: 6,
  idDelta: 7,
} as const;

/** Longest entry header: a size of 53 bits needs the first byte and seven more. */
export const entryHeaderBytesMax = 8;

/** The largest stored block of deflate (RFC 1951, section 3.2.4). */
export const storedBlockBytesMax = 0xffff;
/** Before each stored block: final bit and type, length, its complement. */
export const storedBlockHeaderBytes = 5;
/** Before the blocks: compression method and flags, saying "no compression". */
export const zlibHeader = 0x7801;
export const zlibHeaderBytes = 2;
/** After the blocks: the Adler-32 of the content. */
export const zlibTrailerBytes = 4;

/** Where an object lies in a pack. */
export interface PackEntry {
  readonly oid: ObjectId;
  /** Position of its header, bytes from the start of the pack. */
  readonly offset: number;
  /** CRC-32 of header and stream, as the index stores it. */
  readonly crc: number;
}

/** Size of the zlib stream that holds `size` bytes in stored blocks. */
export function storedStreamSize(size: number): number {
  const blocks = Math.max(1, Math.ceil(size / storedBlockBytesMax));
  return zlibHeaderBytes + blocks * storedBlockHeaderBytes + size + zlibTrailerBytes;
}

/** Writes an entry header at `position`; returns the position after it. */
export function writeEntryHeader(
  buffer: Uint8Array,
  position: number,
  kind: ObjectKind,
  size: number,
): number {
  let at = position;
  let first = (entryTypes[kind] << 4) | (size & 15);
  let rest = Math.floor(size / 16);
  if (rest > 0) first |= 0x80;
  buffer[at++] = first;
  while (rest > 0) {
    const more = rest >= 0x80;
    buffer[at++] = (rest & 0x7f) | (more ? 0x80 : 0);
    rest = Math.floor(rest / 0x80);
  }
  return at;
}

/** The first bytes of a pack with `count` entries. */
export function packHeader(count: number): Buffer {
  const header = Buffer.alloc(packHeaderBytes);
  header.write("PACK", 0, "latin1");
  header.writeUInt32BE(packVersion, 4);
  header.writeUInt32BE(count, 8);
  return header;
}
