import { inflateSync } from "node:zlib";
import { adler32 } from "./adler.ts";
import {
  storedBlockHeaderBytes,
  zlibHeader,
  zlibHeaderBytes,
  zlibTrailerBytes,
} from "./pack-format.ts";

/**
 * The content of a zlib stream at the start of `bytes`, which may run on after it.
 *
 * Streams of stored blocks, which commits write, are copied out directly: a tenth of the cost of a
 * call to zlib for a small file.
 *
 * @param size of the content.
 * @throws Node's own zlib error when the stream is damaged, `RangeError` when its size differs.
 */
export function inflate(bytes: Buffer, size: number): Buffer {
  const stored = readStored(bytes, size);
  if (stored !== undefined) return stored;
  const content = inflateSync(bytes, { maxOutputLength: Math.max(1, size) });
  if (content.length !== size) throw new RangeError(`${content.length} bytes instead of ${size}`);
  return content;
}

function readStored(bytes: Buffer, size: number): Buffer | undefined {
  if (bytes.length < zlibHeaderBytes || bytes.readUInt16BE(0) !== zlibHeader) return undefined;
  const pieces: Buffer[] = [];
  let position = zlibHeaderBytes;
  let filled = 0;
  for (let isFinal = false; !isFinal; ) {
    const start = position + storedBlockHeaderBytes;
    if (start > bytes.length) return undefined;
    const type = bytes[position] as number;
    const length = bytes.readUInt16LE(position + 1);
    const isStored = type <= 1 && length === (bytes.readUInt16LE(position + 3) ^ 0xffff);
    if (!isStored || filled + length > size || start + length > bytes.length) return undefined;
    pieces.push(bytes.subarray(start, start + length));
    filled += length;
    position = start + length;
    isFinal = type === 1;
  }
  if (filled !== size || position + zlibTrailerBytes > bytes.length) return undefined;
  const content = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  return bytes.readUInt32BE(position) === adler32(content) ? content : undefined;
}
