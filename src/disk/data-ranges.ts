import fs from "node:fs";
import { chunkBytes } from "../limits.ts";
import { nativeCalls } from "./native/native-calls.ts";

/** Bytes from `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** How fast holes are read where they cannot be skipped, in bytes a microsecond: about 4 GB/s. */
const holeBytesPerUs = 4000;

/** Unit of `st_blocks`, in bytes, whatever the file system's own blocks are. */
const blockUnitBytes = 512;

const seekData = 3;
const seekHole = 4;

/**
 * Where an open file has data, in order; what lies between is holes, which read as zeros and take
 * no room. Asks the kernel; where it cannot be asked, reads a file that has holes to find pieces of
 * zeros.
 *
 * @param size of the file, in bytes.
 */
export function* dataRangesOf(descriptor: number, size: number): Generator<ByteRange> {
  const { blocks } = fs.fstatSync(descriptor);
  const holeBytes = size - blocks * blockUnitBytes;
  // Some systems count no blocks; and what has a full count may still have holes, which are few.
  if (!(holeBytes > 0)) {
    if (size > 0) yield { start: 0, end: size };
    return;
  }
  const seek = nativeCalls(holeBytes / holeBytesPerUs)?.seek;
  const find =
    seek === undefined ? undefined : (at: number, what: number) => seek(descriptor, at, what);
  yield* find === undefined ? piecesThatAreNotZero(descriptor, size) : sought(find, size);
}

function* sought(
  find: (position: number, whence: number) => number,
  size: number,
): Generator<ByteRange> {
  for (let position = 0; position < size; ) {
    const start = find(position, seekData);
    if (start < 0) {
      // No data up to the end: then a hole begins right here. Anything else is a failure.
      if (find(position, seekHole) !== position) yield { start: position, end: size };
      return;
    }
    if (start >= size) return;
    const end = find(start, seekHole);
    position = end < 0 ? size : Math.min(end, size);
    yield { start, end: position };
  }
}

function* piecesThatAreNotZero(descriptor: number, size: number): Generator<ByteRange> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(size, chunkBytes));
  for (let position = 0; position < size; ) {
    const count = fs.readSync(descriptor, buffer, 0, buffer.length, position);
    if (count === 0) return;
    if (!isZeros(buffer.subarray(0, count))) yield { start: position, end: position + count };
    position += count;
  }
}

/** Ranges in any order, as ranges in order that do not touch each other. */
export function joinedRanges(ranges: readonly ByteRange[]): ByteRange[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last === undefined || start > last.end) joined.push({ start, end });
    else last.end = Math.max(last.end, end);
  }
  return joined;
}

const zeros = new Uint8Array(chunkBytes);

/** Whether all bytes are zero. */
export function isZeros(bytes: Uint8Array): boolean {
  for (let start = 0; start < bytes.length; start += zeros.length) {
    const piece = bytes.subarray(start, start + zeros.length);
    if (piece[0] !== 0 || Buffer.compare(piece, zeros.subarray(0, piece.length)) !== 0)
      return false;
  }
  return true;
}
