import type { SpillFile, SpillPlace } from "./spill-place.ts";

/** Granularity of copy on write inside large files, in bytes; smaller files are one page. */
export const pageBytes = 65_536;

/**
 * The first bytes of a page-sized piece of a file, in memory or spilled; the rest of the piece is
 * zeros. Shared between a content and its snapshots; only its owner may change it.
 */
export class Page {
  /** The content that may write to `bytes`; any other one copies first. */
  owner: object | undefined;
  #bytes: Uint8Array | undefined;
  #length: number;
  #file: SpillFile | undefined = undefined;
  #position = 0;

  constructor(bytes: Uint8Array, owner: object | undefined) {
    this.#bytes = bytes;
    this.#length = bytes.length;
    this.owner = owner;
  }

  /** Bytes that the page holds, at most {@link pageBytes}. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that it holds in memory. */
  get memoryBytes(): number {
    return this.#bytes === undefined ? 0 : this.#length;
  }

  /** The bytes, if they are in memory. */
  get bytes(): Uint8Array | undefined {
    return this.#bytes;
  }

  /** Replaces the bytes. */
  set(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  /** Copies what it holds from `offset` on into `target`, and zeros behind it. */
  read(target: Uint8Array, offset: number): void {
    const count = Math.max(0, Math.min(target.length, this.#length - offset));
    if (this.#bytes !== undefined) target.set(this.#bytes.subarray(offset, offset + count));
    else this.#file?.read(target.subarray(0, count), this.#position + offset);
    target.fill(0, count);
  }

  /**
   * Moves the bytes out of memory.
   *
   * @param own the file of the content that it belongs to and its index there, for a place at which
   *   that file holds the content in order.
   * @returns the memory that is free now.
   */
  spill(
    place: SpillPlace,
    own?: { readonly file: SpillFile; readonly index: number },
  ): Uint8Array | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    if (own === undefined) {
      this.#file = place.pool;
      this.#position = this.#file.append(bytes);
    } else {
      this.#file = own.file;
      this.#position = own.index * pageBytes;
      own.file.write(bytes, this.#position);
    }
    this.#bytes = undefined;
    return bytes;
  }

  /** Whether it lies at its own place in `file`. */
  isIn(file: SpillFile, index: number): boolean {
    return this.#bytes === undefined && this.#file === file && this.#position === index * pageBytes;
  }
}
