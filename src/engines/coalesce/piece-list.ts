import { assert } from "../../errors.ts";
import { LineFeeds } from "./line-feeds.ts";

/** A range of a buffer. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What a {@link PieceList} was. */
export interface ContentSnapshot {
  readonly pieces: readonly Piece[];
  readonly size: number;
}

/** New bytes for a range of the old content. */
export interface Replacement {
  readonly start: number;
  /** Excluded. */
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** Past this many pieces an edit costs more than joining them once. */
const piecesMax = 512;

/**
 * Past this many, a search does: what each piece adds to a search, and joining so many bytes now
 * and then, cost the least together when joined so often (measured).
 */
function searchedPiecesMax(bytes: number): number {
  return Math.min(piecesMax, 8 + Math.sqrt(bytes) / 40);
}

/**
 * Content under edit as a list of pieces of unchanged buffers, so that an edit copies nothing but
 * its own text. The structure is Crowley's piece table (Data Structures for Text Sequences, 1998)
 * kept as an array: edit lists are short, and beyond {@link piecesMax} pieces it is joined.
 */
export class PieceList {
  #pieces: Piece[];
  #size: number;
  /** Where its line feeds are, once somebody has asked; kept up to date by single edits. */
  #lineFeeds: LineFeeds | undefined;

  constructor(bytes: Uint8Array) {
    this.#size = bytes.length;
    this.#pieces = bytes.length === 0 ? [] : [{ bytes, start: 0, end: bytes.length }];
  }

  /** Length in bytes. */
  get size(): number {
    return this.#size;
  }

  /** Puts `bytes`, which must not change afterwards, in place of `length` bytes at `offset`. */
  splice(offset: number, length: number, bytes: Uint8Array): void {
    assert(offset >= 0 && length >= 0 && offset + length <= this.#size, "splice outside content");
    const first = this.#split(offset);
    const last = this.#split(offset + length);
    const inserted = bytes.length === 0 ? [] : [{ bytes, start: 0, end: bytes.length }];
    this.#pieces.splice(first, last - first, ...inserted);
    this.#size += bytes.length - length;
    this.#lineFeeds?.splice(offset, length, bytes);
    if (this.#pieces.length > piecesMax) this.#join();
  }

  /** Makes many replacements in one pass. The ranges are in order and do not overlap. */
  replace(replacements: readonly Replacement[]): void {
    if (replacements.length > piecesMax) {
      this.#replaceJoined(replacements);
      return;
    }
    const pieces: Piece[] = [];
    let size = 0;
    const append = (bytes: Uint8Array, start: number, end: number) => {
      if (start < end) pieces.push({ bytes, start, end });
      size += Math.max(0, end - start);
    };
    const keep = (from: number, to: number) => {
      for (const view of this.#views(from, to)) append(view, 0, view.length);
    };
    let position = 0;
    for (const { start, end, bytes } of replacements) {
      assert(start >= position && end >= start && end <= this.#size, "replacements out of order");
      keep(position, start);
      append(bytes, 0, bytes.length);
      position = end;
    }
    keep(position, this.#size);
    this.#pieces = pieces;
    this.#size = size;
    this.#lineFeeds = undefined;
    if (pieces.length > piecesMax) this.#join();
  }

  /** The same for more replacements than pieces are kept of. */
  #replaceJoined(replacements: readonly Replacement[]): void {
    const old = this.toBytes();
    let size = old.length;
    for (const { start, end, bytes } of replacements) size += bytes.length - (end - start);
    const joined = Buffer.allocUnsafe(size);
    let [position, written] = [0, 0];
    for (const { start, end, bytes } of replacements) {
      assert(start >= position && end >= start && end <= old.length, "replacements out of order");
      written += old.copy(joined, written, position, start);
      joined.set(bytes, written);
      written += bytes.length;
      position = end;
    }
    old.copy(joined, written, position);
    this.#pieces = size === 0 ? [] : [{ bytes: joined, start: 0, end: size }];
    this.#size = size;
    this.#lineFeeds = undefined;
  }

  /** Position of the first occurrence of `needle` at or after `from`, or -1. */
  indexOf(needle: Uint8Array, from = 0): number {
    if (needle.length === 0) return from <= this.#size ? from : -1;
    if (this.#pieces.length > searchedPiecesMax(this.#size)) this.#join();
    let offset = 0;
    // The last bytes of what was searched already: an occurrence may straddle pieces.
    let carried: Uint8Array = new Uint8Array(0);
    for (const piece of this.#pieces) {
      const length = piece.end - piece.start;
      if (offset + length <= from) {
        // Nothing that starts at `from` or later begins in here.
        offset += length;
        continue;
      }
      const view = viewOf(piece.bytes, piece.start, piece.end);
      const straddling = searchJoint(carried, view, needle, from - (offset - carried.length));
      if (straddling >= 0) return offset - carried.length + straddling;
      const inside = view.indexOf(needle, Math.max(0, from - offset));
      if (inside >= 0 && from - offset < view.length) return offset + inside;
      carried = tailOf(carried, view, needle.length - 1);
      offset += length;
    }
    return -1;
  }

  /** The line feeds. They are looked for once and kept: edits of lines ask every time. */
  lineFeeds(): LineFeeds {
    this.#lineFeeds ??= new LineFeeds(this.#views(0, this.#size));
    return this.#lineFeeds;
  }

  /** The bytes from `start` to `end` in one buffer. */
  slice(start: number, end: number): Buffer {
    const parts = this.#views(Math.max(0, start), Math.min(end, this.#size));
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }

  /** The content as it is now, to go back to with {@link restore}; copies no bytes. */
  snapshot(): ContentSnapshot {
    return { pieces: this.#pieces.slice(), size: this.#size };
  }

  /** Takes back everything since a snapshot of this list. */
  restore({ pieces, size }: ContentSnapshot): void {
    this.#pieces = pieces.slice();
    this.#size = size;
    this.#lineFeeds = undefined;
  }

  /** The whole content in one buffer. */
  toBytes(): Buffer {
    return this.slice(0, this.#size);
  }

  #views(start: number, end: number): Buffer[] {
    const views: Buffer[] = [];
    let offset = 0;
    for (const piece of this.#pieces) {
      const length = piece.end - piece.start;
      const from = Math.max(start - offset, 0);
      const to = Math.min(end - offset, length);
      if (from < to) views.push(viewOf(piece.bytes, piece.start + from, piece.start + to));
      offset += length;
      if (offset >= end) break;
    }
    return views;
  }

  /** Makes `offset` a boundary; returns the index of the piece that starts there. */
  #split(offset: number): number {
    let start = 0;
    for (let index = 0; index < this.#pieces.length; index++) {
      const piece = this.#pieces[index] as Piece;
      const length = piece.end - piece.start;
      if (offset === start) return index;
      if (offset < start + length) {
        const at = piece.start + (offset - start);
        this.#pieces.splice(index, 1, { ...piece, end: at }, { ...piece, start: at });
        return index + 1;
      }
      start += length;
    }
    return this.#pieces.length;
  }

  #join(): void {
    const bytes = this.toBytes();
    this.#pieces = [{ bytes, start: 0, end: bytes.length }];
  }
}

function viewOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Searches where the end of `before` meets the start of `after`; -1 when it is not across them. */
function searchJoint(before: Uint8Array, after: Buffer, needle: Uint8Array, from: number): number {
  if (before.length === 0) return -1;
  const joint = Buffer.concat([before, after.subarray(0, needle.length - 1)]);
  const found = joint.indexOf(needle, Math.max(0, from));
  return found >= 0 && from < joint.length ? found : -1;
}

function tailOf(before: Uint8Array, after: Buffer, length: number): Uint8Array {
  if (after.length >= length) return after.subarray(after.length - length);
  const joint = Buffer.concat([before, after]);
  return joint.subarray(Math.max(0, joint.length - length));
}
