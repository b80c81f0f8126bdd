import { dataPiecesOf, dataRangesIn } from "../../disk/data-pieces.ts";
import { type ByteRange, joinedRanges } from "../../disk/data-ranges.ts";
import { ownSpillBytesMin } from "../../limits.ts";
import type { Content } from "../pending/pending.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { Page, pageBytes } from "./page.ts";
import type { SpillFile, SpillPlace } from "./spill-place.ts";

/** The first capacity of a page that grows by appending, in bytes. */
const growthBytesMin = 256;

const nothing = new Uint8Array(0);

/** Unit in which file systems give out space, in bytes. */
const blockBytes = 4096;

/**
 * The bytes of one file: a size, pages that were written, and below them a content that still shows
 * through, up to a limit. What neither covers is a hole and reads as zeros.
 *
 * Invariant: bytes of an owned page beyond the size are zero, so that growing shows zeros.
 */
export class FileContent {
  size: number;
  readonly #budget: MemoryBudget;
  #below: Content | undefined;
  /** How much of `below` is visible, in bytes. */
  #belowSize: number;
  /** The first page, held apart so that a small file costs no map. */
  #head: Page | undefined = undefined;
  #pages: Map<number, Page> | undefined = undefined;
  /** Whether `#pages` is shared with a snapshot and must be copied before a change. */
  #sharesPages = false;
  /** The file of this content's own to spill to, each page at its own place. */
  #spill: SpillFile | undefined = undefined;

  private constructor(budget: MemoryBudget, size: number, below?: Content) {
    this.#budget = budget;
    this.size = size;
    this.#below = below;
    this.#belowSize = below === undefined ? 0 : size;
  }

  static empty(budget: MemoryBudget): FileContent {
    return new FileContent(budget, 0);
  }

  /** A content of few bytes, which are taken over: the caller must not write to them again. */
  static ofPage(bytes: Uint8Array, budget: MemoryBudget): FileContent {
    budget.add(bytes.length);
    const content = new FileContent(budget, bytes.length);
    if (bytes.length > 0) content.#head = new Page(bytes, content);
    return content;
  }

  /** A content that is, until it is written to, another one: a lower file, or that of a draft. */
  static over(below: Content, budget: MemoryBudget): FileContent {
    return new FileContent(budget, below.size, below);
  }

  /** A copy of some content, taken piece by piece. */
  static copyOf(
    content: Pick<Content, "size" | "read" | "dataRanges">,
    budget: MemoryBudget,
  ): FileContent {
    const copy = new FileContent(budget, 0);
    for (const { bytes, position } of dataPiecesOf(content)) copy.write(bytes, position);
    if (copy.size < content.size) copy.truncate(content.size);
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

  /** Whether nothing is read any more from what lies below the pages. */
  get isCovered(): boolean {
    for (let index = 0; index * pageBytes < this.#belowSize; index += 1) {
      if (this.#page(index) === undefined) return false;
    }
    return true;
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
    if (this.#pages === undefined)
      return inBlocks(this.#head === undefined ? this.#belowSize : this.size);
    let bytes = inBlocks(this.#belowSize);
    for (const page of this.#allPages()) bytes += inBlocks(page.length);
    return Math.min(bytes, inBlocks(this.size));
  }

  /** The bytes as they are now, unaffected by later writes to this content. O(1). */
  snapshot(): FileContent {
    // The snapshot may read from it: from now on it stays as it is.
    this.#spill?.freeze();
    const copy = new FileContent(this.#budget, this.size, this.#below);
    copy.#belowSize = this.#belowSize;
    copy.#head = this.#head;
    if (this.#head !== undefined) this.#head.owner = undefined;
    copy.#pages = this.#pages;
    copy.#sharesPages = true;
    this.#sharesPages = true;
    return copy;
  }

  /** Like {@link snapshot}, for another file, which lives as long as this one does. O(1). */
  copy(): FileContent {
    // A commit would rename it into the tree, where others may write to it: below the copy's pages.
    this.#spill = undefined;
    return this.snapshot();
  }

  /** Fills `target` from `position`; returns the bytes read, fewer only at the end. */
  read(target: Uint8Array, position: number): number {
    const length = Math.max(0, Math.min(target.length, this.size - position));
    for (let done = 0; done < length; ) {
      const at = position + done;
      const index = Math.floor(at / pageBytes);
      const page = this.#page(index);
      const end =
        page === undefined ? this.#unpagedEnd(index, position + length) : (index + 1) * pageBytes;
      const piece = target.subarray(done, Math.min(length, end - position));
      if (page === undefined) this.#readBelow(piece, at);
      else page.read(piece, at - index * pageBytes);
      done += piece.length;
    }
    return length;
  }

  /** Where pages were written, and where what lies below them has data; in order. */
  dataRanges(): ByteRange[] {
    const ranges: ByteRange[] = [];
    for (const { start, end } of this.#below === undefined ? [] : dataRangesIn(this.#below)) {
      if (start >= this.#belowSize) break;
      ranges.push({ start, end: Math.min(end, this.#belowSize) });
    }
    for (const [index] of this.#indexed()) {
      const start = index * pageBytes;
      ranges.push({ start, end: Math.min(start + pageBytes, this.size) });
    }
    return joinedRanges(ranges);
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
      // Page by page, so that a page that grows knows how much of it is in use.
      this.size = Math.max(this.size, at + count);
    }
  }

  /** Cuts the file, or grows it by a hole. */
  truncate(size: number): void {
    if (size < this.size) {
      this.#belowSize = Math.min(this.#belowSize, size);
      this.#cutPages(size);
    }
    this.size = size;
  }

  /** The bytes, not to be written to, where they lie in one piece of memory. */
  get piece(): Uint8Array | undefined {
    const bytes = this.#head?.bytes;
    if (bytes === undefined || this.#pages !== undefined || this.size > bytes.length) {
      return undefined;
    }
    return bytes;
  }

  /** Bytes held in memory by pages that are not in `seen` yet; they are added to it. */
  memoryBytes(seen: Set<Page>): number {
    let bytes = 0;
    for (const page of this.#allPages()) {
      if (page.memoryBytes === 0 || seen.has(page)) continue;
      seen.add(page);
      bytes += page.memoryBytes;
    }
    return bytes;
  }

  /** Moves the pages out of memory. Those of a large file lie in order in a file of its own. */
  spill(place: SpillPlace): void {
    if (this.#pages === undefined) {
      this.#head?.spill(place);
      return;
    }
    const file = this.#ownSpill(place);
    for (const [index, page] of this.#indexed()) {
      // Where a snapshot has the page too, it must not lie in what this content may change.
      const isOwn = file !== undefined && page.owner === this;
      const freed = page.spill(place, isOwn ? { file, index } : undefined);
      if (freed !== undefined) this.#budget.recycle(freed);
    }
  }

  /** The file that pages can still be put in order in, if there can be one. */
  #ownSpill(place: SpillPlace): SpillFile | undefined {
    if (this.#sharesPages) return undefined;
    if (this.#spill !== undefined) return this.#spill.isFrozen ? undefined : this.#spill;
    if (this.size < ownSpillBytesMin) return undefined;
    // With pages elsewhere the file would never hold the whole content.
    for (const page of this.#pages?.values() ?? []) if (page.memoryBytes === 0) return undefined;
    if (this.#head?.owner === this) this.#head.bringBack();
    this.#spill = place.create();
    return this.#spill;
  }

  /**
   * The file that holds exactly these bytes, if most of them were spilled: the rest is written to
   * it as well. A commit may give that file a name in the tree: it stays as it is from now on.
   */
  settleSpill(place: SpillPlace): string | undefined {
    const file = this.#spill;
    if (file === undefined || this.#belowSize > 0) return undefined;
    if (!file.isFrozen) this.spill(place);
    let end: Page | undefined;
    for (const [index, page] of this.#indexed()) {
      if (!page.isIn(file, index)) return undefined;
      if (index === Math.floor(this.size / pageBytes)) end = page;
    }
    if (file.isFrozen) return file.length === this.size ? file.path : undefined;
    end?.cut(this.size % pageBytes);
    file.truncate(this.size);
    file.freeze();
    return file.path;
  }

  *#allPages(): Generator<Page> {
    if (this.#head !== undefined) yield this.#head;
    if (this.#pages !== undefined) yield* this.#pages.values();
  }

  *#indexed(): Generator<[number, Page]> {
    if (this.#head !== undefined) yield [0, this.#head];
    if (this.#pages !== undefined) yield* this.#pages;
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

  #readBelow(target: Uint8Array, position: number): void {
    const shown = Math.max(0, Math.min(target.length, this.#belowSize - position));
    const below = this.#below;
    const isShown = shown > 0 && below !== undefined;
    const count = isShown ? below.read(target.subarray(0, shown), position) : 0;
    target.fill(0, count);
  }

  /** The bytes of page `index`, ours to change, at least `length` long. */
  #writablePage(index: number, length: number, isOverwritten: boolean): Uint8Array {
    const page = this.#page(index);
    if (page === undefined) {
      const bytes = this.#pageBelow(index, length, isOverwritten);
      this.#setPage(index, new Page(bytes, this));
      return bytes;
    }
    const isOurs = page.owner === this && (index === 0 || !this.#sharesPages);
    if (isOurs && page.length >= length && page.bytes !== undefined) return page.bytes;
    const capacity =
      page.length >= length
        ? page.length
        : Math.min(pageBytes, Math.max(length, page.length * 2, growthBytesMin));
    this.#budget.add(capacity);
    const bytes = new Uint8Array(capacity);
    const used = Math.max(0, Math.min(this.size - index * pageBytes, page.length));
    page.read(bytes.subarray(0, used), 0);
    if (isOurs) page.set(bytes);
    else {
      this.#setPage(index, new Page(bytes, this));
      // The old page stays at its place in that file, for those who share it.
      this.#spill = undefined;
    }
    return bytes;
  }

  /** A new page with what shows there from below. */
  #pageBelow(index: number, length: number, isOverwritten: boolean): Uint8Array {
    const start = index * pageBytes;
    const shown = Math.min(pageBytes, Math.max(0, this.#belowSize - start));
    const capacity = Math.max(length, shown);
    this.#budget.add(capacity);
    const isWhole = capacity === pageBytes;
    const bytes = isWhole ? this.#budget.takePage(isOverwritten) : new Uint8Array(capacity);
    if (shown > 0 && !isOverwritten) this.#below?.read(bytes.subarray(0, shown), start);
    return bytes;
  }

  #setPage(index: number, page: Page): void {
    if (index === 0) this.#head = page;
    else this.#ownPages().set(index, page);
  }

  #ownPages(): Map<number, Page> {
    if (this.#pages === undefined || this.#sharesPages) {
      for (const page of this.#pages?.values() ?? []) page.owner = undefined;
      this.#pages = new Map(this.#pages);
      this.#sharesPages = false;
    }
    return this.#pages;
  }

  /** Gives up a page that nobody shares, rather than leaving that to the collector. */
  #forget(page: Page | undefined): void {
    if (page?.owner === this) page.set(nothing);
  }

  #cutPages(size: number): void {
    // What is cut off lies in that file still, and would show again where a hole comes.
    this.#spill = undefined;
    if (size === 0) {
      this.#forget(this.#head);
      this.#head = undefined;
    }
    if (this.#pages !== undefined) {
      const pages = this.#ownPages();
      for (const [index, page] of pages) {
        if (index * pageBytes < size) continue;
        this.#forget(page);
        pages.delete(index);
      }
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

function inBlocks(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}
