import { isZeros } from "../disk/data-ranges.ts";
import { chunkBytes } from "../limits.ts";

/**
 * Puts bytes that come in order, with holes left out, together to whole pieces of 1 MiB, and passes
 * on those that are not all zeros.
 */
export class WholePieces {
  readonly #size: number;
  readonly #take: (index: number, bytes: Uint8Array) => void;
  /** The piece that has begun, and its bytes where they did not come at once. */
  #index = -1;
  #gathered: Buffer | undefined;

  /**
   * @param size of the content, in bytes; its last piece is shorter.
   * @param take gets the number of a piece and its bytes, which are valid during the call.
   */
  constructor(size: number, take: (index: number, bytes: Uint8Array) => void) {
    this.#size = size;
    this.#take = take;
  }

  /** Bytes that come after all others so far; what lies in between is zeros. */
  add(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      const at = position + done;
      const index = Math.floor(at / chunkBytes);
      const offset = at - index * chunkBytes;
      const count = Math.min(bytes.length - done, chunkBytes - offset);
      this.#addWithin(index, offset, bytes.subarray(done, done + count));
      done += count;
    }
  }

  /** Passes on the last piece. */
  end(): void {
    this.#finish();
  }

  #addWithin(index: number, offset: number, bytes: Uint8Array): void {
    const length = this.#lengthOf(index);
    if (index !== this.#index) {
      this.#finish();
      if (bytes.length === length) {
        if (!isZeros(bytes)) this.#take(index, bytes);
        return;
      }
      this.#index = index;
      this.#gathered = (this.#gathered ?? Buffer.allocUnsafeSlow(chunkBytes)).fill(0);
    }
    this.#gathered?.set(bytes, offset);
  }

  #finish(): void {
    const bytes = this.#gathered?.subarray(0, this.#lengthOf(this.#index));
    if (this.#index >= 0 && bytes !== undefined && !isZeros(bytes)) this.#take(this.#index, bytes);
    this.#index = -1;
  }

  #lengthOf(index: number): number {
    return Math.min(chunkBytes, this.#size - index * chunkBytes);
  }
}
