import type { SpillFile, SpillPlace } from "./spill-place.ts";
import type { PoolPlace } from "./spill-pool.ts";

/** Granularity of copy on write inside large files, in bytes; smaller files are one page. */
export const pageBytes = 65_536;

/** A place in a file that holds one content in order. */
interface OwnPlace {
  readonly pool?: undefined;
  readonly file: SpillFile;
  readonly position: number;
}

/**
 * The first bytes of a page-sized piece of a file, in memory or spilled; the rest of the piece is
 * zeros. Shared between a content and its snapshots; only its owner may change it.
 */
export class Page {
  /** The content that may write to `bytes`; any other one copies first. */
  owner: object | undefined;
  #bytes: Uint8Array | undefined;
  #length: number;
  /** Where the bytes lie that are not in memory. */
  #place: PoolPlace | OwnPlace | undefined = undefined;

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
    const place = this.#place;
    this.#place = undefined;
    place?.pool?.release(place);
  }

  /** Takes the bytes into memory again. */
  bringBack(): void {
    if (this.#bytes !== undefined) return;
    const bytes = new Uint8Array(this.#length);
    this.read(bytes, 0);
    this.set(bytes);
  }

  /** Forgets what it holds behind the first `length` bytes, which is not in memory. */
  cut(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** Copies what it holds from `offset` on into `target`, and zeros behind it. */
  read(target: Uint8Array, offset: number): void {
    const count = Math.max(0, Math.min(target.length, this.#length - offset));
    if (this.#bytes !== undefined) target.set(this.#bytes.subarray(offset, offset + count));
    else this.#place?.file.read(target.subarray(0, count), this.#place.position + offset);
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
    if (own === undefined) this.#place = place.pool.put(bytes, this);
    else {
      const position = own.index * pageBytes;
      own.file.write(bytes, position);
      this.#place = { file: own.file, position };
    }
    this.#bytes = undefined;
    return bytes;
  }

  /** Whether it lies at its own place in `file`. */
  isIn(file: SpillFile, index: number): boolean {
    const place = this.#place;
    return place?.file === file && place.position === index * pageBytes;
  }
}
