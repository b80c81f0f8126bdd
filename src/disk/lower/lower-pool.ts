import type { BigIntStats } from "node:fs";
import type { Lower } from "./lower.ts";

/** Descriptors kept open for files that are read piece by piece: far below any process limit. */
const descriptorsMax = 32;

/**
 * Keeps a few files of a lower open between reads. An open descriptor also keeps the very file that
 * was relied on readable when another program replaces it.
 */
export class LowerPool {
  readonly #lower: Lower;
  /** By path, the least recently used first. */
  readonly #descriptors = new Map<string, number>();

  constructor(lower: Lower) {
    this.#lower = lower;
  }

  /**
   * Calls `use` with a descriptor of the file at `path`.
   *
   * @param check is asked about a file that was just opened, and throws when it is not the one
   * meant.
   */
  with<T>(path: string, check: (stats: BigIntStats) => void, use: (descriptor: number) => T): T {
    let descriptor = this.#descriptors.get(path);
    if (descriptor === undefined) {
      descriptor = this.#lower.open(path);
      try {
        check(this.#lower.fstat(descriptor));
      } catch (error) {
        this.#lower.close(descriptor);
        throw error;
      }
      if (this.#descriptors.size >= descriptorsMax) this.#closeOldest();
    } else this.#descriptors.delete(path);
    this.#descriptors.set(path, descriptor);
    return use(descriptor);
  }

  /** Lets go of all files. */
  close(): void {
    while (this.#descriptors.size > 0) this.#closeOldest();
  }

  #closeOldest(): void {
    for (const [path, descriptor] of this.#descriptors) {
      this.#descriptors.delete(path);
      this.#lower.close(descriptor);
      return;
    }
  }
}
