/**
 * Counts the bytes of content that an overlay holds in memory. Only what is added is counted as it
 * happens; what was freed is found out when the limit is reached, by looking at all that is held.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #reclaim: () => number;
  #usedBytes = 0;

  /** @param reclaim brings memory below the limit, and returns what is still used, in bytes. */
  constructor(limitBytes: number, reclaim: () => number) {
    this.limitBytes = limitBytes;
    this.#reclaim = reclaim;
  }

  /** Says that `bytes` are about to be held. Call it before they are. */
  add(bytes: number): void {
    this.#usedBytes += bytes;
    if (this.#usedBytes > this.limitBytes) this.#usedBytes = this.#reclaim() + bytes;
  }
}
