import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Disk } from "../disk/disk.ts";
import { assert, DraftError } from "../errors.ts";
import { chunkBytes, heldPackBytesMax } from "../limits.ts";
import { adler32 } from "./adler.ts";
import type { ByteSource } from "./byte-source.ts";
import { type ObjectId, type ObjectKind, objectIdOf, startObjectHash } from "./object-id.ts";
import type { GitObject } from "./pack-file.ts";
import {
  entryHeaderBytesMax,
  type PackEntry,
  packHeader,
  packHeaderBytes,
  storedBlockBytesMax,
  storedStreamSize,
  writeEntryHeader,
  zlibHeader,
} from "./pack-format.ts";
import { encodePackIndex } from "./pack-index.ts";

/** What a finished pack is. */
export interface PackSummary {
  /** SHA-1 of the whole pack, which is also its trailer and part of its name. */
  readonly checksum: string;
  /** Size in bytes, trailer included. */
  readonly size: number;
  /** How many objects it holds. */
  readonly count: number;
  /** Its index (`pack-index.ts`), made at the first call: the CRC of what is held is found then. */
  readonly index: () => Buffer;
  /** Its trees and commits. */
  readonly readable: ReadonlyMap<ObjectId, GitObject>;
  /** The whole pack, where it was held in memory to its end. */
  readonly bytes?: Uint8Array;
}

/**
 * Writes a git pack of whole objects, uncompressed, into an open file.
 *
 * Objects gather in memory, up to 16 MiB of them, so that most packs are written once, with their
 * count, and need not be read back for their checksum. Content above 1 MiB passes through a buffer
 * of that size and is never whole in memory. The same object is stored once. Nothing is made
 * durable here: fsync the descriptor after {@link PackBuilder.finish}.
 *
 * The caller opens the file (empty, for reading and writing) and closes it.
 */
export class PackBuilder {
  readonly #disk: Disk;
  readonly #descriptor: number;
  readonly #entries: Entry[] = [];
  /** How many of the entries have their CRC: those that are not held any more. */
  #summed = 0;
  /** Where the last entry ends. */
  #entriesEnd = 0;
  readonly #known = new Map<ObjectId, number>();
  /** Trees and commits added here, which later steps of the same commit read back. */
  readonly #readable = new Map<ObjectId, GitObject>();
  /** The end of the pack that is not in the file yet, and how far it reaches. */
  #chunk: Buffer;
  #held = 0;
  /** Where in the pack it begins. */
  #heldFrom = 0;
  /** Bytes that are in the file. */
  #written = 0;
  /** Up to where what is held, all but the header, is on its way to the file. */
  #begun = packHeaderBytes;
  /** What becomes of that. */
  readonly #writes: Promise<WriteFailure | undefined>[] = [];
  readonly #isWrittenBeside: boolean;
  #index: Buffer | undefined;
  #finished = false;
  #piece: Buffer | undefined;

  /**
   * @param expectedBytes about how large the pack will be. Its memory is taken once then and, where
   *   it is held to the end, every MiB of it is written while more is added: {@link
   *   PackBuilder.settle} has to be awaited before the file is whole, or may be closed.
   */
  constructor(disk: Disk, descriptor: number, expectedBytes = 0) {
    this.#disk = disk;
    this.#descriptor = descriptor;
    this.#isWrittenBeside = expectedBytes > 0 && expectedBytes <= heldPackBytesMax;
    const bytes = Math.min(Math.max(expectedBytes, chunkBytes / 16), heldPackBytesMax);
    this.#chunk = Buffer.allocUnsafeSlow(bytes);
    // Stands for the header, whose count is only known at the end.
    this.#append(packHeader(0));
  }

  /** Number of objects so far. */
  get count(): number {
    return this.#entries.length;
  }

  /** Bytes so far, without the trailer. */
  get size(): number {
    return this.#written + this.#held;
  }

  has(oid: ObjectId): boolean {
    return this.#known.has(oid);
  }

  /** A tree or commit that was added here; blobs are not kept. */
  find(oid: ObjectId): Buffer | undefined {
    return this.#readable.get(oid)?.bytes;
  }

  /** Adds an object held in memory. The bytes may be reused afterwards unless it is no blob. */
  add(kind: ObjectKind, bytes: Uint8Array): ObjectId {
    const oid = objectIdOf(kind, bytes);
    if (this.#known.has(oid)) return oid;
    if (kind !== "blob") this.#readable.set(oid, { kind, bytes: Buffer.from(bytes) });
    this.#addWhole(kind, oid, bytes);
    return oid;
  }

  /**
   * Adds the bytes of `content` as a blob, streaming what is large.
   *
   * @throws {DraftError} `DRAFT_COMMIT_FAILED` when the content ends before its size: it changed
   *   while it was read.
   */
  addContent(content: ByteSource): ObjectId {
    if (content.size > chunkBytes) return this.#addStreamed(content);
    this.#piece ??= Buffer.allocUnsafeSlow(chunkBytes);
    const bytes = this.#piece.subarray(0, content.size);
    readFully(content, bytes, 0);
    return this.add("blob", bytes);
  }

  /**
   * Adds an object whose zlib stream exists already, as `gc` has it.
   *
   * @param size of the object, not of the stream.
   */
  addPacked(kind: ObjectKind, oid: ObjectId, size: number, stream: Uint8Array): void {
    if (this.#known.has(oid)) return;
    const target = this.#reserve(entryHeaderBytesMax + stream.length);
    const offset = this.size;
    const start = writeEntryHeader(target, 0, kind, size);
    target.set(stream, start);
    this.#use(start + stream.length);
    this.#record(oid, offset);
  }

  /** Completes the file: header with the count, everything held, trailer. */
  finish(): PackSummary {
    this.#end();
    return this.#close(this.#written === 0 ? hashOf(this.#inMemory()) : this.#checksumOfFile());
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

  /** Nothing comes after that; the header gets its count, wherever it is by now. */
  #end(): void {
    assert(!this.#finished, "a pack is finished once");
    this.#finished = true;
    const header = packHeader(this.#entries.length);
    if (this.#written === 0) {
      this.#chunk.set(header);
      return;
    }
    this.#flush();
    this.#disk.write(this.#descriptor, header, 0);
  }

  #inMemory(): Buffer {
    return this.#chunk.subarray(0, this.#held);
  }

  #close(checksum: Buffer): PackSummary {
    this.#append(checksum);
    const bytes = this.#written === 0 ? this.#inMemory() : undefined;
    this.#complete();
    const hex = checksum.toString("hex");
    return {
      checksum: hex,
      size: this.#written,
      count: this.#entries.length,
      index: () => {
        this.#index ??= encodePackIndex(this.#summedEntries(), hex);
        return this.#index;
      },
      readable: this.#readable,
      ...(bytes === undefined ? {} : { bytes }),
    };
  }

  #addWhole(kind: ObjectKind, oid: ObjectId, bytes: Uint8Array): void {
    const target = this.#reserve(entryHeaderBytesMax + storedStreamSize(bytes.length));
    const offset = this.size;
    let position = writeEntryHeader(target, 0, kind, bytes.length);
    position = target.writeUInt16BE(zlibHeader, position);
    let start = 0;
    do {
      const end = Math.min(start + storedBlockBytesMax, bytes.length);
      position = writeBlockHeader(target, position, end - start, end === bytes.length);
      target.set(bytes.subarray(start, end), position);
      position += end - start;
      start = end;
    } while (start < bytes.length);
    position = target.writeUInt32BE(adler32(bytes), position);
    this.#use(position);
    this.#record(oid, offset);
  }

  #addStreamed(content: ByteSource): ObjectId {
    this.#flush();
    const offset = this.#written;
    const hash = startObjectHash("blob", content.size);
    const buffer = Buffer.allocUnsafeSlow(chunkBytes + chunkOverheadBytes);
    let filled = writeEntryHeader(buffer, 0, "blob", content.size);
    filled = buffer.writeUInt16BE(zlibHeader, filled);
    let adler = 1;
    let crc = 0;
    for (let position = 0; position < content.size; ) {
      const length = Math.min(storedBlockBytesMax, content.size - position);
      filled = writeBlockHeader(buffer, filled, length, position + length === content.size);
      const piece = buffer.subarray(filled, filled + length);
      readFully(content, piece, position);
      hash.update(piece);
      adler = adler32(piece, adler);
      filled += length;
      position += length;
      const isLast = position === content.size;
      if (isLast) filled = buffer.writeUInt32BE(adler, filled);
      if (isLast || filled > chunkBytes - storedBlockBytesMax) {
        const bytes = buffer.subarray(0, filled);
        crc = crc32(bytes, crc);
        this.#writeOut(bytes);
        filled = 0;
      }
    }
    const oid = hash.digest("hex");
    if (this.#known.has(oid)) this.#takeBack(offset);
    else this.#record(oid, offset, crc);
    return oid;
  }

  /** The content was stored before, which only its hash could tell: forget the second copy. */
  #takeBack(offset: number): void {
    this.#disk.truncate(this.#descriptor, offset);
    this.#written = offset;
    this.#heldFrom = offset;
  }

  /** @param crc is left out where the entry is held. */
  #record(oid: ObjectId, offset: number, crc?: number): void {
    this.#known.set(oid, this.#entries.length);
    this.#entries.push({ oid, offset, crc: crc ?? 0 });
    this.#entriesEnd = this.size;
    if (crc !== undefined) this.#summed = this.#entries.length;
  }

  /** The CRCs take a fifth of the time of a pack, and nobody needs them before the index. */
  #summedEntries(): readonly PackEntry[] {
    for (; this.#summed < this.#entries.length; this.#summed++) {
      const entry = this.#entries[this.#summed] as Entry;
      const end = this.#entries[this.#summed + 1]?.offset ?? this.#entriesEnd;
      const from = this.#heldFrom;
      entry.crc = crc32(this.#chunk.subarray(entry.offset - from, end - from));
    }
    return this.#entries;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length).set(bytes);
    this.#use(bytes.length);
  }

  /** Contiguous room at the end of what is held; {@link PackBuilder.#use} says what was used. */
  #reserve(size: number): Buffer {
    if (this.#held + size > this.#chunk.length) this.#makeRoom(size);
    return this.#chunk.subarray(this.#held, this.#held + size);
  }

  #makeRoom(size: number): void {
    const needed = this.#held + size;
    if (this.#written > 0 || needed > heldPackBytesMax) {
      this.#flush();
      if (size > this.#chunk.length) this.#chunk = Buffer.allocUnsafeSlow(size);
      return;
    }
    const larger = Buffer.allocUnsafeSlow(
      Math.min(Math.max(needed, this.#chunk.length * 2), heldPackBytesMax),
    );
    larger.set(this.#inMemory());
    this.#chunk = larger;
  }

  #use(size: number): void {
    this.#held += size;
    if (!this.#isWrittenBeside || this.#written > 0) return;
    if (this.#held - this.#begun >= chunkBytes) this.#begin();
  }

  /** Sends what is held on its way to the file. It stays as it is, for the checksum of all. */
  #begin(): void {
    const bytes = this.#chunk.subarray(this.#begun, this.#held);
    const write = this.#disk.writeInBackground?.(this.#descriptor, bytes, this.#begun);
    if (write === undefined) return;
    this.#begun = this.#held;
    this.#writes.push(
      write.then(
        () => undefined,
        (error: unknown) => ({ error }),
      ),
    );
  }

  /** Writes all that is held, for good: what is on its way already are the same bytes. */
  #flush(): void {
    this.#summedEntries();
    if (this.#held > 0) this.#writeOut(this.#chunk.subarray(0, this.#held));
    this.#held = 0;
    if (this.#begun === packHeaderBytes) return;
    // It is still being written from.
    this.#chunk = Buffer.allocUnsafeSlow(this.#chunk.length);
    this.#begun = packHeaderBytes;
  }

  /** Writes what is not on its way yet: the end, and the header, which was not known before. */
  #complete(): void {
    if (this.#begun === packHeaderBytes) {
      this.#flush();
      return;
    }
    this.#disk.write(this.#descriptor, this.#chunk.subarray(0, packHeaderBytes), 0);
    if (this.#held > this.#begun) this.#begin();
    this.#written = this.#held;
    this.#held = 0;
  }

  #writeOut(bytes: Uint8Array): void {
    this.#disk.write(this.#descriptor, bytes, this.#written);
    this.#written += bytes.length;
    this.#heldFrom = this.#written;
  }

  /** Reads back what is in the file: its first bytes have changed since they went out. */
  #checksumOfFile(): Buffer {
    const hash = createHash("sha1");
    // Everything is in the file, so its place in memory is free.
    const buffer = this.#chunk.subarray(0, chunkBytes);
    for (let position = 0; position < this.#written; ) {
      const piece = buffer.subarray(0, Math.min(buffer.length, this.#written - position));
      const bytesRead = this.#disk.read(this.#descriptor, piece, position);
      assert(bytesRead === piece.length, "a pack that was just written can be read back");
      hash.update(piece);
      position += bytesRead;
    }
    return hash.digest();
  }
}

type Entry = { -readonly [Key in keyof PackEntry]: PackEntry[Key] };

interface WriteFailure {
  readonly error: unknown;
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash("sha1").update(bytes).digest();
}

/** Headers of entry, stream and blocks, and trailer, beside one chunk of content. */
const chunkOverheadBytes = 1024;

function writeBlockHeader(
  target: Buffer,
  position: number,
  length: number,
  isFinal: boolean,
): number {
  target[position] = isFinal ? 1 : 0;
  target.writeUInt16LE(length, position + 1);
  return target.writeUInt16LE(length ^ 0xffff, position + 3);
}

function readFully(content: ByteSource, target: Uint8Array, position: number): void {
  for (let filled = 0; filled < target.length; ) {
    const bytesRead = content.read(target.subarray(filled), position + filled);
    if (bytesRead === 0) {
      throw new DraftError(
        "DRAFT_COMMIT_FAILED",
        `Cannot store a file of ${content.size} bytes: it ends after ${position + filled}. ` +
          "It changed while it was read; nothing was written. Try again.",
      );
    }
    filled += bytesRead;
  }
}
