import type { EngineOverlay } from "../overlay-port.ts";
import type { Replacement } from "./piece-list.ts";

/** A stretch of the content: of the file as it lies there, or bytes that replace some of it. */
export type Extent =
  | { readonly kind: "file"; readonly at: number; readonly start: number; readonly length: number }
  | { readonly kind: "bytes"; readonly at: number; readonly bytes: Uint8Array };

/**
 * The content of an open file with replacements over it, none of which is written yet: what is not
 * replaced stays in the file and is read from there when it is asked for. So a list of edits costs
 * one copy of the file at most, whatever their number.
 */
export class ExtentContent {
  readonly #overlay: EngineOverlay;
  readonly #descriptor: number;
  readonly #fileSize: number;
  #extents: readonly Extent[];
  #size: number;

  constructor(overlay: EngineOverlay, descriptor: number, fileSize: number) {
    this.#overlay = overlay;
    this.#descriptor = descriptor;
    this.#fileSize = fileSize;
    this.#size = fileSize;
    this.#extents = fileSize === 0 ? [] : [{ kind: "file", at: 0, start: 0, length: fileSize }];
  }

  /** Length in bytes, with the replacements. */
  get size(): number {
    return this.#size;
  }

  /** The stretches that it consists of, in order and without gaps. */
  get extents(): readonly Extent[] {
    return this.#extents;
  }

  /** Whether everything that was not replaced still stands where it stands in the file. */
  get keepsPlaces(): boolean {
    const isMoved = (extent: Extent) => extent.kind === "file" && extent.start !== extent.at;
    return this.#size === this.#fileSize && !this.#extents.some(isMoved);
  }

  /** Makes replacements, whose ranges are those of the content as it is now, in order. */
  replace(replacements: readonly Replacement[]): void {
    const next: Extent[] = [];
    let size = 0;
    const append = (extent: Extent) => {
      const length = lengthOf(extent);
      if (length === 0) return;
      next.push({ ...extent, at: size });
      size += length;
    };
    let index = 0;
    const keep = (from: number, to: number) => {
      while (index > 0 && (this.#extents[index]?.at ?? this.#size) > from) index -= 1;
      for (; index < this.#extents.length; index++) {
        const extent = this.#extents[index] as Extent;
        if (extent.at >= to) return;
        append(partOf(extent, Math.max(0, from - extent.at), to - extent.at));
      }
    };
    let position = 0;
    for (const { start, end, bytes } of replacements) {
      keep(position, start);
      append({ kind: "bytes", at: size, bytes });
      position = end;
    }
    keep(position, this.#size);
    this.#extents = next;
    this.#size = size;
  }

  /** Reads from a position until the buffer is full or the content ends; returns the count. */
  read(buffer: Buffer, position: number): number {
    let filled = 0;
    for (let index = this.#indexAt(position); filled < buffer.length; index++) {
      const extent = this.#extents[index];
      if (extent === undefined) break;
      const offset = position + filled - extent.at;
      const wanted = Math.min(lengthOf(extent) - offset, buffer.length - filled);
      const piece = buffer.subarray(filled, filled + wanted);
      if (extent.kind === "bytes") piece.set(extent.bytes.subarray(offset, offset + wanted));
      else if (this.#readFile(piece, extent.start + offset) < wanted) break;
      filled += wanted;
    }
    return filled;
  }

  #readFile(buffer: Buffer, position: number): number {
    let filled = 0;
    while (filled < buffer.length) {
      const rest = buffer.length - filled;
      const { fs } = this.#overlay;
      const count = fs.readSync(this.#descriptor, buffer, filled, rest, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  /** The extent that holds a position, by bisection; past the last one where the content ends. */
  #indexAt(position: number): number {
    if (position >= this.#size) return this.#extents.length;
    let low = 0;
    let high = this.#extents.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#extents[middle]?.at ?? 0) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lengthOf(extent: Extent): number {
  return extent.kind === "file" ? extent.length : extent.bytes.length;
}

function partOf(extent: Extent, from: number, to: number): Extent {
  const end = Math.min(to, lengthOf(extent));
  if (extent.kind === "bytes") return { ...extent, bytes: extent.bytes.subarray(from, end) };
  return { ...extent, start: extent.start + from, length: Math.max(0, end - from) };
}
