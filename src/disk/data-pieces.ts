import { chunkBytes } from "../limits.ts";
import type { ByteRange } from "./data-ranges.ts";
import type { Disk } from "./disk.ts";

/** Bytes that can be read at any position, and what is known of the holes among them. */
export interface Readable {
  readonly size: number;
  /** Fills `buffer` from `position`; returns the bytes read, fewer only at the end. */
  read(buffer: Uint8Array, position: number): number;
  /** Where there is data, in order; missing where nothing is known of holes. */
  dataRanges?(): Iterable<ByteRange>;
}

/** Some of the bytes of a content. */
export interface DataPiece {
  readonly position: number;
  /** Valid until the next piece. */
  readonly bytes: Buffer;
}

/** Where a content has data, in order. */
export function dataRangesIn(content: Omit<Readable, "read">): Iterable<ByteRange> {
  if (content.size === 0) return [];
  return content.dataRanges?.() ?? [{ start: 0, end: content.size }];
}

/** Bytes of a content that are not holes. */
export function dataBytesOf(content: Omit<Readable, "read">): number {
  let bytes = 0;
  for (const { start, end } of dataRangesIn(content)) bytes += end - start;
  return bytes;
}

/**
 * The bytes of a content without its holes, in pieces that lie within one MiB each, in order.
 *
 * @param onEnd is called where the content ends before its size; that is the last piece then.
 */
export function* dataPiecesOf(
  content: Readable,
  onEnd: (position: number) => void = () => {},
): Generator<DataPiece> {
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(chunkBytes, content.size)));
  for (const { start, end } of dataRangesIn(content)) {
    for (let position = start; position < end; ) {
      const pieceEnd = Math.min(end, (Math.floor(position / chunkBytes) + 1) * chunkBytes);
      const count = content.read(buffer.subarray(0, pieceEnd - position), position);
      if (count === 0) {
        onEnd(position);
        return;
      }
      yield { position, bytes: buffer.subarray(0, count) };
      position += count;
    }
  }
}

/** An open file of a disk, as something that can be read. */
export function openFile(disk: Disk, descriptor: number, size: number): Readable {
  const read = (buffer: Uint8Array, position: number): number =>
    disk.read(descriptor, buffer, position);
  if (disk.dataRanges === undefined) return { size, read };
  return { size, read, dataRanges: () => disk.dataRanges?.(descriptor, size) ?? [] };
}
