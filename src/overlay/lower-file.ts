import type { BigIntStats } from "node:fs";
import type { ByteRange } from "../disk/data-ranges.ts";
import type { Lower } from "../disk/lower/lower.ts";
import { Fault } from "./file-system-error.ts";
import type { Content, LowerNode } from "./pending/pending.ts";

/** A regular file of the lower as it was when the overlay first relied on it. */
export class LowerFile implements Content {
  readonly lower: LowerNode;
  readonly spilled = undefined;
  readonly #source: Lower;
  /** Absolute path in the lower. */
  readonly #path: string;

  constructor(source: Lower, path: string, lower: LowerNode) {
    this.#source = source;
    this.#path = path;
    this.lower = lower;
  }

  get size(): number {
    return this.lower.stamp.size;
  }

  /**
   * Fills `buffer` from `position`.
   *
   * @throws {Fault} `ESTALE` when the file on the disk is no longer the one that was relied on: its
   *   bytes must not be mixed with those that were written over it. Checked before the bytes are
   *   read and again after, so that a change in between is noticed too.
   */
  read(buffer: Uint8Array, position: number): number {
    const check = (stats: BigIntStats): void => this.#requireSame(stats);
    return this.#source.pool.with(this.#path, check, (descriptor) => {
      const count = this.#source.read(descriptor, buffer, position);
      this.#requireSame(this.#source.fstat(descriptor));
      return count;
    });
  }

  dataRanges(): readonly ByteRange[] {
    const check = (stats: BigIntStats): void => this.#requireSame(stats);
    return this.#source.pool.with(this.#path, check, (descriptor) =>
      // At once: the descriptor is only lent.
      Array.from(this.#source.dataRanges(descriptor, this.size)),
    );
  }

  #requireSame(stats: BigIntStats): void {
    const { dev, ino, size, mtimeNs } = this.lower.stamp;
    const isSame = stats.ino === ino && stats.dev === dev && stats.mtimeNs === mtimeNs;
    if (isSame && Number(stats.size) === size) return;
    throw new Fault("ESTALE", {
      reason: "the file below the overlay was changed by another program",
    });
  }
}
