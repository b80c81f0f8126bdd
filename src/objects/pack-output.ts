import type { Disk } from "../disk/disk.ts";
import { assert } from "../errors.ts";
import { type Failure, failureOf } from "../failure-of.ts";
import { chunkBytes, heldPackBytesMax } from "../limits.ts";
import { packHeader, packHeaderBytes } from "./pack-format.ts";

/** The file of a pack, open for reading and writing by the time that it is asked for. */
export interface OpenPack {
  readonly descriptor: number;
}

/**
 * The file that a pack is written to, and the end of the pack that is held in memory.
 *
 * A pack that is expected to be held to its end goes to the file by the MiB while more is added,
 * all but its header, whose count is not known before.
 */
export class PackOutput {
  readonly #disk: Disk;
  readonly #file: OpenPack;
  readonly #onLetGo: () => void;
  readonly #isWrittenBeside: boolean;
  #chunk: Buffer;
  /** How far what is held reaches in the chunk, and where in the pack the chunk begins. */
  #filled = 0;
  #chunkStart = 0;
  /** Bytes that are in the file for good. */
  #written = 0;
  /** Up to where what is held, all but the header, is on its way to the file. */
  #begun = packHeaderBytes;
  /** What becomes of that. */
  readonly #writes: Promise<Failure | undefined>[] = [];

  /**
   * @param expectedBytes about how large the pack will be; 0 where nobody knows.
   * @param onLetGo called before what is held goes: the last chance to look at it.
   */
  constructor(disk: Disk, file: OpenPack, expectedBytes: number, onLetGo: () => void) {
    this.#disk = disk;
    this.#file = file;
    this.#onLetGo = onLetGo;
    this.#isWrittenBeside = expectedBytes > 0 && expectedBytes <= heldPackBytesMax;
    const bytes = Math.min(Math.max(expectedBytes, chunkBytes / 16), heldPackBytesMax);
    this.#chunk = Buffer.allocUnsafeSlow(bytes);
    this.append(packHeader(0));
  }

  /** Bytes so far. */
  get size(): number {
    return this.#written + this.#filled;
  }

  /** The whole pack so far, where all of it is held. */
  get whole(): Buffer | undefined {
    return this.#written === 0 ? this.#chunk.subarray(0, this.#filled) : undefined;
  }

  /** Bytes of the pack that are held, or were when it was completed. */
  held(start: number, end: number): Buffer {
    return this.#chunk.subarray(start - this.#chunkStart, end - this.#chunkStart);
  }

  append(bytes: Uint8Array): void {
    const start = this.reserve(bytes.length);
    this.#chunk.set(bytes, start);
    this.use(start + bytes.length);
  }

  /** What is written to, after {@link PackOutput.reserve}; a view of a part would cost more. */
  get memory(): Buffer {
    return this.#chunk;
  }

  /**
   * Makes contiguous room at the end; {@link PackOutput.use} says how much of it was used.
   *
   * @returns where it begins in the memory.
   */
  reserve(size: number): number {
    if (this.#filled + size > this.#chunk.length) this.#makeRoom(size);
    return this.#filled;
  }

  /** @param end where what was written ends in the memory. */
  use(end: number): void {
    this.#filled = end;
    if (!this.#isWrittenBeside || this.#written > 0) return;
    if (this.#filled - this.#begun >= chunkBytes) this.#begin();
  }

  /** Writes all that is held, for good: what is on its way already are the same bytes. */
  flush(): void {
    this.#onLetGo();
    const bytes = this.#chunk.subarray(0, this.#filled);
    this.#filled = 0;
    if (bytes.length > 0) this.#disk.write(this.#file.descriptor, bytes, this.#written);
    this.#written += bytes.length;
    this.#chunkStart = this.#written;
    if (this.#begun === packHeaderBytes) return;
    // It is still being written from.
    this.#chunk = Buffer.allocUnsafeSlow(this.#chunk.length);
    this.#begun = packHeaderBytes;
  }

  /** Gives the pack its header, now that its count is known; writes what is held, if not all is. */
  setHeader(header: Buffer): void {
    if (this.#written === 0) {
      this.#chunk.set(header);
      return;
    }
    this.flush();
    this.#disk.write(this.#file.descriptor, header, 0);
  }

  /** Reads the file from its beginning on, in pieces, after {@link PackOutput.flush}. */
  *readBack(): Generator<Buffer> {
    // Everything is in the file, so its place in memory is free.
    const buffer = this.#chunk.subarray(0, chunkBytes);
    for (let position = 0; position < this.#written; ) {
      const piece = buffer.subarray(0, Math.min(buffer.length, this.#written - position));
      const bytesRead = this.#disk.read(this.#file.descriptor, piece, position);
      assert(bytesRead === piece.length, "a pack that was just written can be read back");
      yield piece;
      position += bytesRead;
    }
  }

  /** Writes what is not on its way yet: the end, and the header. Nothing comes after that. */
  complete(): void {
    if (this.#begun === packHeaderBytes) {
      this.flush();
      return;
    }
    this.#disk.write(this.#file.descriptor, this.#chunk.subarray(0, packHeaderBytes), 0);
    if (this.#filled > this.#begun) this.#begin();
    this.#written = this.#filled;
    this.#filled = 0;
  }

  /**
   * Waits for what is written beside the caller, in vain or not.
   *
   * @throws what one of the writes has thrown.
   */
  async settle(): Promise<void> {
    const failures = await Promise.all(this.#writes);
    const failure = failures.find((found) => found !== undefined);
    if (failure !== undefined) throw failure.error;
  }

  #makeRoom(size: number): void {
    const needed = this.#filled + size;
    if (this.#written > 0 || needed > heldPackBytesMax) {
      this.flush();
      if (size > this.#chunk.length) this.#chunk = Buffer.allocUnsafeSlow(size);
      return;
    }
    const larger = Buffer.allocUnsafeSlow(
      Math.min(Math.max(needed, this.#chunk.length * 2), heldPackBytesMax),
    );
    larger.set(this.#chunk.subarray(0, this.#filled));
    this.#chunk = larger;
  }

  /** Sends what is held on its way to the file. It stays as it is, for the checksum of all. */
  #begin(): void {
    const bytes = this.#chunk.subarray(this.#begun, this.#filled);
    const write = this.#disk.writeInBackground?.(this.#file.descriptor, bytes, this.#begun);
    if (write === undefined) return;
    this.#begun = this.#filled;
    this.#writes.push(failureOf(write));
  }
}
