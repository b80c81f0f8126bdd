import { chunksOf } from "./content.ts";
import type { Content } from "./pending.ts";

/** Granularity of copy on write inside large files, in bytes; smaller files are one page. */
export const pageBytes = 65_536;

/** The first capacity of a page that grows by appending, in bytes. */
const growthBytesMin = 256;

/** Bytes that one content instance may change in place; others share them read-only. */
interface Page {
  bytes: Uint8Array;
  /** The content that may write to `bytes`; any other one copies first. */
  owner: FileContent | undefined;
}

/**
 * The bytes of one file: a size, pages that were written, and below them the range of a lower file
 * that still shows through. What neither covers is a hole and reads as zeros.
 *
 * Invariant: bytes of an owned page beyond the size are zero, so that growing shows zeros.
 */
export class FileContent {
  size: number;
  /** What lies below the pages, visible up to `belowSize`: a lower file, or a lasting content. */
  #below: Content | undefined;
  #belowSize: number;
  /** The first page, held apart so that a small file costs no map. */
  #head: Page | undefined;
  #pages: Map<number, Page> | undefined;
  /** Whether `#pages` is shared with a snapshot and must be copied before a change. */
  #sharesPages = false;

  private constructor(size: number, below: Content | undefined, belowSize: number) {
    this.size = size;
    this.#below = below;
    this.#belowSize = belowSize;
  }

  static empty(): FileContent {
    return new FileContent(0, undefined, 0);
  }

  /** Takes `bytes` over when they fit one page: the caller must not write to them again. */
  static of(bytes: Uint8Array): FileContent {
    const content = new FileContent(0, undefined, 0);
    if (bytes.length > pageBytes) content.write(bytes, 0);
    else if (bytes.length > 0) {
      content.#head = { bytes, owner: content };
      content.size = bytes.length;
    }
    return content;
  }

  /** A content that is, until it is written to, another one: a lower file, or that of a draft. */
  static over(below: Content): FileContent {
    return new FileContent(below.size, below, below.size);
  }

  /** A copy of some content, taken piece by piece. */
  static copyOf(content: Content): FileContent {
    const copy = FileContent.empty();
    for (const chunk of chunksOf(content)) copy.write(chunk, copy.size);
    return copy;
  }

  /** The content that this one is byte for byte, if nothing was written over it. */
  get untouched(): Content | undefined {
    const below = this.#below;
    if (below === undefined || this.#head !== undefined || this.#pages !== undefined) {
      return undefined;
    }
    return this.size === below.size && this.#belowSize === below.size ? below : undefined;
  }

  /** What lies below the pages. */
  get below(): Content | undefined {
    return this.#below;
  }

  /** The same bytes, to be read from elsewhere. */
  set below(moved: Content | undefined) {
    this.#below = moved;
  }

  /** Bytes that are not holes, in whole blocks: what `st_blocks` counts. */
  get allocatedBytes(): number {
    let bytes = this.#head === undefined ? 0 : inBlocks(this.#head.bytes.length);
    for (const page of this.#pages?.values() ?? []) bytes += inBlocks(page.bytes.length);
    return Math.min(bytes + inBlocks(this.#belowSize), inBlocks(this.size));
  }

  /** The bytes as they are now, unaffected by later writes to this content. O(1). */
  snapshot(): FileContent {
    const copy = new FileContent(this.size, this.#below, this.#belowSize);
    if (this.#head !== undefined) {
      copy.#head = { bytes: this.#head.bytes, owner: undefined };
      this.#head.owner = undefined;
    }
    copy.#pages = this.#pages;
    copy.#sharesPages = true;
    this.#sharesPages = true;
    return copy;
  }

  /** Fills `target` from `position`; returns the bytes read, fewer only at the end. */
  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.size - position));
    for (let done = 0; done < length; ) {
      const at = position + done;
      const index = Math.floor(at / pageBytes);
      const page = this.#page(index);
      if (page === undefined) {
        done += this.#readBelow(target, done, at, this.#unpagedEnd(index, position + length));
        continue;
      }
      const offset = at - index * pageBytes;
      const count = Math.min(length - done, pageBytes - offset);
      const piece = page.bytes.subarray(offset, offset + count);
      target.set(piece, done);
      if (piece.length < count) target.fill(0, done + piece.length, done + count);
      done += count;
    }
    return length;
  }

  /** Writes all of `bytes` at `position`, growing the file where it must. */
  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      const at = position + done;
      const index = Math.floor(at / pageBytes);
      const offset = at - index * pageBytes;
      const count = Math.min(bytes.length - done, pageBytes - offset);
      const page = this.#writablePage(index, offset + count, count === pageBytes);
      page.set(bytes.subarray(done, done + count), offset);
      done += count;
    }
    this.size = Math.max(this.size, position + bytes.length);
  }

  /** Cuts the file, or grows it by a hole. */
  truncate(size: number): void {
    if (size < this.size) {
      this.#belowSize = Math.min(this.#belowSize, size);
      this.#cutPages(size);
    }
    this.size = size;
  }

  /** All bytes in a new buffer that shares memory with nothing. */
  bytes(): Buffer {
    const buffer = Buffer.allocUnsafeSlow(this.size);
    this.read(buffer, 0);
    return buffer;
  }

  #page(index: number): Page | undefined {
    return index === 0 ? this.#head : this.#pages?.get(index);
  }

  /** End of the run of positions from page `index` on that no page covers, at most `limit`. */
  #unpagedEnd(index: number, limit: number): number {
    let next = index + 1;
    while (next * pageBytes < limit && this.#pages?.has(next) !== true) next += 1;
    return Math.min(limit, next * pageBytes);
  }

  #readBelow(target: Uint8Array, done: number, from: number, to: number): number {
    const shown = Math.max(0, Math.min(to, this.#belowSize) - from);
    const piece = target.subarray(done, done + (to - from));
    const count = shown === 0 ? 0 : (this.#below?.read(piece.subarray(0, shown), from) ?? 0);
    piece.fill(0, count);
    return to - from;
  }

  /** The bytes of page `index`, ours to change, at least `length` long. */
  #writablePage(index: number, length: number, isOverwritten: boolean): Uint8Array {
    const page = this.#page(index);
    if (page === undefined) {
      const bytes = this.#pageBelow(index, length, isOverwritten);
      this.#setPage(index, { bytes, owner: this });
      return bytes;
    }
    if (page.owner === this && page.bytes.length >= length) return page.bytes;
    const capacity =
      page.bytes.length >= length
        ? page.bytes.length
        : Math.min(pageBytes, Math.max(length, page.bytes.length * 2, growthBytesMin));
    const bytes = new Uint8Array(capacity);
    const used = Math.max(0, this.size - index * pageBytes);
    bytes.set(page.bytes.subarray(0, Math.min(used, page.bytes.length)));
    this.#setPage(index, { bytes, owner: this });
    return bytes;
  }

  /** A new page with what the lower shows there. */
  #pageBelow(index: number, length: number, isOverwritten: boolean): Uint8Array {
    const start = index * pageBytes;
    const shown = Math.min(pageBytes, Math.max(0, this.#belowSize - start));
    const bytes = new Uint8Array(Math.max(length, shown));
    if (shown > 0 && !isOverwritten) this.#below?.read(bytes.subarray(0, shown), start);
    return bytes;
  }

  #setPage(index: number, page: Page): void {
    if (index === 0) {
      this.#head = page;
      return;
    }
    this.#ownPages().set(index, page);
  }

  #ownPages(): Map<number, Page> {
    if (this.#pages === undefined) {
      this.#pages = new Map();
      this.#sharesPages = false;
    } else if (this.#sharesPages) {
      const copy = new Map<number, Page>();
      for (const [index, page] of this.#pages)
        copy.set(index, { bytes: page.bytes, owner: undefined });
      this.#pages = copy;
      this.#sharesPages = false;
    }
    return this.#pages;
  }

  #cutPages(size: number): void {
    if (size === 0) this.#head = undefined;
    if (this.#pages !== undefined) {
      const pages = this.#ownPages();
      for (const index of pages.keys()) if (index * pageBytes >= size) pages.delete(index);
      if (pages.size === 0) this.#pages = undefined;
    }
    const last = Math.floor(size / pageBytes);
    const offset = size - last * pageBytes;
    if (offset === 0 || this.#page(last) === undefined) return;
    // Only the part that stays may show again when the file grows later.
    this.size = size;
    this.#writablePage(last, offset, false).fill(0, offset);
  }
}

/** Unit in which file systems give out space. */
const blockBytes = 4096;

function inBlocks(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}
