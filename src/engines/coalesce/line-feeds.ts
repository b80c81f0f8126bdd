const lineFeed = 0x0a;

/**
 * Positions of the line feeds of content under edit, with a gap where the last edit was: those
 * before it are counted from the start, those after it from the end, so that none of either changes
 * when content comes or goes between them. An edit costs as much as it is away from the last one
 * (a gap buffer: Finseth, The Craft of Text Editing, 1991).
 */
export class LineFeeds {
  /** In order, from the start. */
  readonly #before: number[] = [];
  /** Distances from the end, the smallest first: the next one after the gap is the last. */
  readonly #after: number[] = [];
  #size = 0;

  /** @param parts the content, in order. */
  constructor(parts: Iterable<Uint8Array>) {
    for (const part of parts) this.#append(part);
  }

  get count(): number {
    return this.#before.length + this.#after.length;
  }

  /** Position of a line feed, counted from 0; `undefined` where there are fewer. */
  at(index: number): number | undefined {
    if (index < this.#before.length) return this.#before[index];
    const distance = this.#after[this.count - 1 - index];
    return distance === undefined ? undefined : this.#size - distance;
  }

  /** Follows an edit that puts `bytes` in place of `length` bytes at `offset`. */
  splice(offset: number, length: number, bytes: Uint8Array): void {
    const rest = this.#size - offset - length;
    this.#moveGap(offset);
    while ((this.#after.at(-1) ?? 0) > rest) this.#after.pop();
    this.#size = offset;
    this.#append(bytes);
    this.#size += rest;
  }

  #moveGap(offset: number): void {
    const before = this.#before;
    const after = this.#after;
    const size = this.#size;
    for (let last = before.length - 1; last >= 0; last--) {
      const position = before[last] ?? 0;
      if (position < offset) break;
      before.pop();
      after.push(size - position);
    }
    for (let next = after.length - 1; next >= 0; next--) {
      const position = size - (after[next] ?? 0);
      if (position >= offset) break;
      after.pop();
      before.push(position);
    }
  }

  /** Byte by byte, since most lines are shorter than a search takes. */
  #append(bytes: Uint8Array): void {
    for (let index = 0; index < bytes.length; index++) {
      if (bytes[index] === lineFeed) this.#before.push(this.#size + index);
    }
    this.#size += bytes.length;
  }
}
