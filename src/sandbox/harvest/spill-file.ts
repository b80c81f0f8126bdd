import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataPiecesOf } from "../../disk/data-pieces.ts";
import { type ByteRange, dataRangesOf } from "../../disk/data-ranges.ts";
import { chunkBytes } from "../../limits.ts";

/** Bytes of a content that lie in a spill file. */
interface SpilledRange extends ByteRange {
  /** Where its start lies in the spill file. */
  readonly place: number;
}

/**
 * One file without a name that takes content too large for memory. It is removed as soon as it is
 * open, so that the kernel frees it when this process ends, however it ends.
 */
export class SpillFile {
  #descriptor: number | undefined;
  #end = 0;

  /** Copies what is no hole of an open file of `size` bytes. */
  take(source: number, size: number): SpilledContent {
    this.#descriptor ??= openNameless();
    const file = {
      size,
      read: (buffer: Uint8Array, position: number) => readFully(source, buffer, position),
      dataRanges: () => dataRangesOf(source, size),
    };
    const ranges: { start: number; end: number; place: number }[] = [];
    for (const { bytes, position } of dataPiecesOf(file)) {
      const last = ranges.at(-1);
      const end = position + bytes.length;
      if (last?.end === position) last.end = end;
      else ranges.push({ start: position, end, place: this.#end });
      this.#append(this.#descriptor, bytes);
    }
    return new SpilledContent(this, ranges);
  }

  /** Fills `buffer` from `position`; returns the bytes read, fewer only at the end. */
  read(buffer: Uint8Array, position: number): number {
    return this.#descriptor === undefined ? 0 : readFully(this.#descriptor, buffer, position);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #append(descriptor: number, bytes: Uint8Array): void {
    for (let written = 0; written < bytes.length; ) {
      const length = bytes.length - written;
      written += writeSync(descriptor, bytes, written, length, this.#end + written);
    }
    this.#end += bytes.length;
  }
}

/** A content in a spill file: its data in one piece after the other, its holes nowhere. */
export class SpilledContent {
  readonly ranges: readonly SpilledRange[];
  readonly #file: SpillFile;

  constructor(file: SpillFile, ranges: readonly SpilledRange[]) {
    this.#file = file;
    this.ranges = ranges;
  }

  /** Fills all of `buffer`, which lies within the content, with what is at `position`. */
  read(buffer: Uint8Array, position: number): number {
    const end = position + buffer.length;
    let done = position;
    for (let index = this.#firstAfter(position); done < end; index++) {
      const range = this.ranges[index];
      const start = Math.min(end, range?.start ?? end);
      if (start > done) buffer.fill(0, done - position, start - position);
      done = Math.max(done, start);
      if (range === undefined || done === end) break;
      const piece = buffer.subarray(done - position, Math.min(end, range.end) - position);
      const count = this.#file.read(piece, range.place + done - range.start);
      done += count;
      if (count < piece.length) break;
    }
    return done - position;
  }

  /** Number of the first range that ends after `position`. */
  #firstAfter(position: number): number {
    let [low, high] = [0, this.ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ranges[middle]?.end ?? 0) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Reads until `buffer` is full or the file ends. */
export function readFully(descriptor: number, buffer: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const length = Math.min(chunkBytes, buffer.length - filled);
    const count = readSync(descriptor, buffer, filled, length, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function openNameless(): number {
  const directory = mkdtempSync(join(tmpdir(), "draftfs-spill-"));
  try {
    return openSync(join(directory, "spill"), "wx+", 0o600);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
