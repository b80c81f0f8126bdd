import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Disk } from "../disk/disk.ts";
import { assert, DraftError } from "../errors.ts";
import { chunkBytes } from "../limits.ts";
import { adler32 } from "./adler.ts";
import type { ByteSource } from "./byte-source.ts";
import { type ObjectId, type ObjectKind, objectIdOf, startObjectHash } from "./object-id.ts";
import type { GitObject } from "./pack-file.ts";
import {
  entryHeaderBytesMax,
  type PackEntry,
  packHeader,
  storedBlockBytesMax,
  storedStreamSize,
  writeEntryHeader,
  zlibHeader,
} from "./pack-format.ts";
import { encodePackIndex } from "./pack-index.ts";
import { PackOutput } from "./pack-output.ts";

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

/** What is known of a pack before it is made. */
export interface PackOptions {
  readonly expectedBytes?: number;
  readonly isStored?: (oid: ObjectId) => boolean;
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
  readonly #output: PackOutput;
  readonly #entries: Entry[] = [];
  /** How many of the entries have their CRC: those that are not held any more. */
  #summed = 0;
  /** Where the last entry ends. */
  #entriesEnd = 0;
  readonly #known = new Set<ObjectId>();
  readonly #isStored: (oid: ObjectId) => boolean;
  /** Trees and commits added here, which later steps of the same commit read back. */
  readonly #readable = new Map<ObjectId, GitObject>();
  #index: Buffer | undefined;
  #finished = false;
  #piece: Buffer | undefined;

  /**
   * @param options.expectedBytes - about how large the pack will be. Its memory is taken once then
   *   and, where it is held to the end, every MiB of it is written while more is added: {@link
   *   PackBuilder.settle} has to be awaited before the file is whole, or may be closed.
   * @param options.isStored - whether whoever reads the pack has the content of a file already; for
   *   {@link PackBuilder.addFile}.
   */
  constructor(disk: Disk, descriptor: number, options: PackOptions = {}) {
    const { expectedBytes = 0, isStored = () => false } = options;
    this.#isStored = isStored;
    this.#output = new PackOutput(disk, descriptor, expectedBytes, () => this.#sum());
  }

  /** Number of objects so far. */
  get count(): number {
    return this.#entries.length;
  }

  /** Bytes so far, without the trailer. */
  get size(): number {
    return this.#output.size;
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

  /** Adds the content of a file, unless it is stored elsewhere. The bytes may be reused. */
  addFile(bytes: Uint8Array): ObjectId {
    const oid = objectIdOf("blob", bytes);
    if (!this.#known.has(oid) && !this.#isStored(oid)) this.#addWhole("blob", oid, bytes);
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
    const target = this.#output.reserve(entryHeaderBytesMax + stream.length);
    const offset = this.size;
    const start = writeEntryHeader(target, 0, kind, size);
    target.set(stream, start);
    this.#output.use(start + stream.length);
    this.#record(oid, offset);
  }

  /** Completes the file: header with the count, everything held, trailer. */
  finish(): PackSummary {
    assert(!this.#finished, "a pack is finished once");
    this.#finished = true;
    this.#output.setHeader(packHeader(this.#entries.length));
    const checksum = this.#checksum();
    this.#output.append(checksum);
    const { size, whole } = this.#output;
    this.#output.complete();
    const hex = checksum.toString("hex");
    return {
      checksum: hex,
      size,
      count: this.#entries.length,
      index: () => {
        this.#sum();
        this.#index ??= encodePackIndex(this.#entries, hex);
        return this.#index;
      },
      readable: this.#readable,
      ...(whole === undefined ? {} : { bytes: whole }),
    };
  }

  /** {@link PackOutput.settle}. */
  settle(): Promise<void> {
    return this.#output.settle();
  }

  #checksum(): Buffer {
    const hash = createHash("sha1");
    const { whole } = this.#output;
    // What is in the file has got another header since it went out, and has to be read back.
    for (const piece of whole === undefined ? this.#output.readBack() : [whole]) hash.update(piece);
    return hash.digest();
  }

  #addWhole(kind: ObjectKind, oid: ObjectId, bytes: Uint8Array): void {
    const target = this.#output.reserve(entryHeaderBytesMax + storedStreamSize(bytes.length));
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
    this.#output.use(position);
    this.#record(oid, offset);
  }

  #addStreamed(content: ByteSource): ObjectId {
    this.#output.flush();
    const offset = this.size;
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
        this.#output.write(bytes);
        filled = 0;
      }
    }
    const oid = hash.digest("hex");
    // The content was stored before, which only its hash could tell: forget the second copy.
    if (this.#known.has(oid)) this.#output.shorten(offset);
    else this.#record(oid, offset, crc);
    return oid;
  }

  /** @param crc is left out where the entry is held. */
  #record(oid: ObjectId, offset: number, crc?: number): void {
    this.#known.add(oid);
    this.#entries.push({ oid, offset, crc: crc ?? 0 });
    this.#entriesEnd = this.size;
    if (crc !== undefined) this.#summed = this.#entries.length;
  }

  /** The CRCs take a fifth of the time of a pack, and nobody needs them before the index. */
  #sum(): void {
    for (; this.#summed < this.#entries.length; this.#summed++) {
      const entry = this.#entries[this.#summed] as Entry;
      const end = this.#entries[this.#summed + 1]?.offset ?? this.#entriesEnd;
      entry.crc = crc32(this.#output.held(entry.offset, end));
    }
  }
}

type Entry = { -readonly [Key in keyof PackEntry]: PackEntry[Key] };

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
