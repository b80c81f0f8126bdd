import { chunkBytes } from "../../limits.ts";
import { makeParents } from "../apply-changes.ts";
import { copyAttributes, freeNameBeside, moveIntoPlace, writeAll } from "../file-beside.ts";
import { absolutePathOf, codeOf, findTarget } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { type ContentHash, createContentHash } from "./content-hash.ts";
import { unfinishedIn } from "./unfinished-streams.ts";
import { untilIdle } from "./until-idle.ts";

/** What a stream wrote. */
export interface StreamReceipt {
  /** Absolute path of the file. */
  readonly path: string;
  readonly bytes: number;
  /** Writes of at most 1 MiB that it took. */
  readonly chunks: number;
  /** XXH64 of the content, computed on the way. */
  readonly hash: string;
}

/**
 * Writes a file of any size through one chunk of memory.
 *
 * Until {@link finish} the content lies under a name of its own beside the file, so that nobody
 * sees half of it, and the file itself can be read meanwhile; {@link discard} leaves no trace. A
 * commit of the overlay leaves that name out. A file with several names keeps them: the content is
 * copied into it in the end.
 */
export class ChunkWriter {
  readonly #overlay: EngineOverlay;
  readonly #path: string;
  readonly #written: string;
  readonly #descriptor: number;
  readonly #hash: ContentHash;
  readonly #chunk = Buffer.allocUnsafeSlow(chunkBytes);
  #filled = 0;
  #position = 0;
  #chunks = 0;
  #isOpen = true;
  #isWaiting = true;

  /** Opens a writer; the file's parents are made. */
  static async open(overlay: EngineOverlay, path: string): Promise<ChunkWriter> {
    const hash = await createContentHash();
    await untilIdle(overlay);
    return new ChunkWriter(overlay, path, hash);
  }

  private constructor(overlay: EngineOverlay, path: string, hash: ContentHash) {
    const absolute = absolutePathOf(overlay, path);
    const node = findTarget(overlay, absolute);
    this.#overlay = overlay;
    this.#hash = hash;
    this.#path = node === undefined ? absolute : overlay.fs.realpathSync(absolute);
    makeParents(overlay, this.#path);
    this.#written = freeNameBeside(overlay, this.#path);
    this.#descriptor = overlay.fs.openSync(this.#written, "wx", 0o666);
    unfinishedIn(overlay.fs).add(this.#written);
    if (node !== undefined) copyAttributes(overlay, this.#path, this.#written);
  }

  /** Bytes taken so far. */
  get bytes(): number {
    return this.#position + this.#filled;
  }

  /** Takes bytes, and writes whenever a chunk is full. `bytes` may be reused afterwards. */
  write(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.length; ) {
      const room = this.#chunk.length - this.#filled;
      const piece = bytes.subarray(taken, taken + room);
      this.#chunk.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      if (this.#filled === this.#chunk.length) this.#flush();
    }
  }

  /** Puts the file in place. When that fails there is still {@link discard} to be called. */
  finish(): StreamReceipt {
    this.#flush();
    this.#close();
    moveIntoPlace(this.#overlay, this.#written, this.#path, this.#chunk);
    this.#end();
    const hash = this.#hash.digest();
    return { path: this.#path, bytes: this.#position, chunks: this.#chunks, hash };
  }

  /** Gives up; the file stays as it was. Does nothing after {@link finish} has succeeded. */
  discard(): void {
    if (!this.#isWaiting) return;
    this.#end();
    this.#close();
    try {
      this.#overlay.fs.unlinkSync(this.#written);
    } catch (error) {
      // A rollback of the overlay has taken it away already.
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }

  #flush(): void {
    if (this.#filled === 0) return;
    const bytes = this.#chunk.subarray(0, this.#filled);
    writeAll(this.#overlay, this.#descriptor, bytes, this.#position);
    this.#hash.update(bytes);
    this.#position += bytes.length;
    this.#chunks += 1;
    this.#filled = 0;
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#overlay.fs.closeSync(this.#descriptor);
  }

  #end(): void {
    this.#isWaiting = false;
    unfinishedIn(this.#overlay.fs).delete(this.#written);
  }
}
