import type { Lower } from "../disk/lower.ts";
import { Fault } from "./file-system-error.ts";
import type { LowerNode } from "./pending.ts";

/** A regular file of the lower as it was when the overlay first relied on it. */
export class LowerFile {
  readonly node: LowerNode;
  readonly #lower: Lower;
  /** Absolute path in the lower. */
  readonly #path: string;

  constructor(lower: Lower, path: string, node: LowerNode) {
    this.#lower = lower;
    this.#path = path;
    this.node = node;
  }

  get size(): number {
    return this.node.stamp.size;
  }

  get path(): string {
    return this.#path;
  }

  /**
   * Fills `buffer` from `position`.
   *
   * @throws {Fault} `ESTALE` when the file on the disk is no longer the one that was relied on: its
   *   bytes must not be mixed with those that were written over it.
   */
  read(buffer: Uint8Array, position: number): number {
    const descriptor = this.#lower.open(this.#path);
    try {
      const count = this.#lower.read(descriptor, buffer, position);
      const { dev, ino, size, mtimeNs } = this.node.stamp;
      const now = this.#lower.fstat(descriptor);
      if (
        now.ino !== ino ||
        now.dev !== dev ||
        now.mtimeNs !== mtimeNs ||
        Number(now.size) !== size
      ) {
        throw new Fault("ESTALE", {
          reason: "the file below the overlay was changed by another program",
        });
      }
      return count;
    } finally {
      this.#lower.close(descriptor);
    }
  }
}
