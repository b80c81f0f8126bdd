import { pageBytes } from "./page.ts";

/**
 * Counts the bytes of content that an overlay holds in memory. Only what is added is counted as it
 * happens; what was freed is found out when the limit is reached, by looking at all that is held.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #reclaim: () => number;
  #usedBytes = 0;
  /** Memory of pages that were spilled, to be used again before the collector finds it free. */
  readonly #spare: Uint8Array[] = [];

  /** @param reclaim brings memory below the limit, and returns what is still used, in bytes. */
  constructor(limitBytes: number, reclaim: () => number) {
    this.limitBytes = limitBytes;
    this.#reclaim = reclaim;
  }

  /** Says that `bytes` are about to be held. Call it before they are. */
  add(bytes: number): void {
    this.#usedBytes += bytes;
    if (this.#usedBytes > this.limitBytes) this.#usedBytes = this.#reclaim() + bytes;
    // A whole page is going to be one of the spare ones.
    if (bytes !== pageBytes) this.#trim();
  }

  /** A whole page of memory, zeroed unless all of it is going to be written. */
  takePage(isOverwritten: boolean): Uint8Array {
    const spare = this.#spare.pop();
    if (spare === undefined) return new Uint8Array(pageBytes);
    return isOverwritten ? spare : spare.fill(0);
  }

  /** Gives back memory that nothing refers to any more. */
  recycle(bytes: Uint8Array): void {
    const isWholePage = bytes.length === pageBytes && bytes.buffer.byteLength === pageBytes;
    const spareMax = this.limitBytes / pageBytes;
    if (isWholePage && this.#spare.length < spareMax) this.#spare.push(bytes);
  }

  /** What is held and what is spare stay within the limit together. */
  #trim(): void {
    const spareMax = Math.max(0, Math.floor((this.limitBytes - this.#usedBytes) / pageBytes));
    if (this.#spare.length > spareMax) this.#spare.length = spareMax;
  }
}
