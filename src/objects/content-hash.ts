import { createHash, type Hash, hash } from "node:crypto";
import { chunkBytes, vastContentBytesMin } from "../limits.ts";
import { type ObjectId, startObjectHash } from "./object-id.ts";
import { WholePieces } from "./whole-pieces.ts";

/**
 * The id of a content whose bytes come in order, in any pieces, with holes left out.
 *
 * Up to `vastContentBytesMin` it is git's blob id. From there on holes may be most of a content,
 * and hashing their zeros would take an hour for 4 TB; so its id is the SHA-1 of a text in which
 * they do not occur:
 *
 *   draftfs vast content 1
 *   size <bytes, in decimal>
 *   <number of a piece of 1 MiB that is not all zeros> <SHA-1 of its bytes>     (in order)
 *
 * It depends on the bytes alone: zeros that lie on the disk and holes give the same id.
 */
export class ContentHash {
  readonly #size: number;
  readonly #hash: Hash;
  readonly #pieces: WholePieces | undefined;
  /** Where the bytes so far end, for git's id: it counts every zero. */
  #end = 0;

  /** @param size of the content, in bytes. */
  constructor(size: number) {
    this.#size = size;
    const isVast = size >= vastContentBytesMin;
    this.#hash = isVast ? createHash("sha1") : startObjectHash("blob", size);
    if (isVast) this.#hash.update(`draftfs vast content 1\nsize ${size}\n`);
    this.#pieces = isVast
      ? new WholePieces(size, (index, bytes) => {
          this.#hash.update(`${index} ${hash("sha1", bytes, "hex")}\n`);
        })
      : undefined;
  }

  /** Bytes that come after all others so far; what lies in between is zeros. */
  update(bytes: Uint8Array, position: number): void {
    if (this.#pieces !== undefined) {
      this.#pieces.add(bytes, position);
      return;
    }
    this.#fillUpTo(position);
    this.#hash.update(bytes);
    this.#end = position + bytes.length;
  }

  /** Says that the content ends too early: its id is that of no content then. */
  cut(): void {
    this.#hash.update("cut");
    this.#end = this.#size;
  }

  /** The id; what did not come up to the size is zeros. */
  digest(): ObjectId {
    if (this.#pieces === undefined) this.#fillUpTo(this.#size);
    else this.#pieces.end();
    return this.#hash.digest("hex");
  }

  #fillUpTo(position: number): void {
    while (this.#end < position) {
      const length = Math.min(zeros.length, position - this.#end);
      this.#hash.update(zeros.subarray(0, length));
      this.#end += length;
    }
  }
}

const zeros = new Uint8Array(chunkBytes);
