import { chunkBytes } from "../limits.ts";
import { WholePieces } from "../objects/whole-pieces.ts";
import { sumOf } from "./draft-index.ts";

/** The checksums of a content whose bytes come in order, as the index of a draft holds them. */
export class PieceSums {
  readonly #sums: (string | number)[] = [];
  readonly #pieces: WholePieces;
  readonly #count: number;
  #next = 0;

  /** @param size of the content, in bytes. */
  constructor(size: number) {
    this.#count = Math.ceil(size / chunkBytes);
    this.#pieces = new WholePieces(size, (index, bytes) => {
      this.#zerosUpTo(index);
      this.#sums.push(sumOf(bytes));
      this.#next = index + 1;
    });
  }

  /** Bytes that come after all others so far; what lies in between is zeros. */
  add(bytes: Uint8Array, position: number): void {
    this.#pieces.add(bytes, position);
  }

  /** All of them. */
  end(): readonly (string | number)[] {
    this.#pieces.end();
    this.#zerosUpTo(this.#count);
    return this.#sums;
  }

  #zerosUpTo(index: number): void {
    if (index > this.#next) this.#sums.push(index - this.#next);
  }
}
