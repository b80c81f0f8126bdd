import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Disk } from "../disk/disk.ts";
import { assert } from "../errors.ts";
import { adler32 } from "./adler.ts";
import { type ObjectId, type ObjectKind, objectIdOf } from "./object-id.ts";
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
import { type OpenPack, PackOutput } from "./pack-output.ts";

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
  readonly isHeld?: boolean;
}

/**
 * Writes a git pack of whole objects, uncompressed, into an open file.
 *
 * Objects gather in memory, up to 16 MiB of them, so that most packs are written once, with their
 * count, and need not be read back for their checksum. The same object is stored once. Nothing is
 * made durable here: fsync the descriptor after {@link PackBuilder.finish}.
 *
 * The caller opens the file (empty, for reading and writing) by the time that it is needed, and
 * closes it.
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
  readonly #isHeld: boolean;
  /** Trees and commits added here, which later steps of the same commit read back. */
  readonly #readable = new Map<ObjectId, GitObject>();
  #index: Buffer | undefined;
  #finished = false;

  /**
   * @param options.expectedBytes - about how large the pack will be. Its memory is taken once then
   *   and, where it is held to the end, every MiB of it is written while more is added: {@link
   *   PackBuilder.settle} has to be awaited before the file is whole, or may be closed.
   * @param options.isStored - whether whoever reads the pack has the content of a file already; for
   *   {@link PackBuilder.addFile}.
   * @param options.isHeld - whether a pack that was held in memory to its end is written only by
   *   {@link PackBuilder.write}.
   */
  constructor(disk: Disk, file: OpenPack, options: PackOptions = {}) {
    const { expectedBytes = 0, isStored = () => false, isHeld = false } = options;
    this.#isStored = isStored;
    this.#isHeld = isHeld;
    this.#output = new PackOutput(disk, file, expectedBytes, () => this.#sum());
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
   * Adds an object whose zlib stream exists already, as `gc` has it.
   *
   * @param size of the object, not of the stream.
   */
  addPacked(kind: ObjectKind, oid: ObjectId, size: number, stream: Uint8Array): void {
    if (this.#known.has(oid)) return;
    const offset = this.size;
    const start = this.#output.reserve(entryHeaderBytesMax + stream.length);
    const target = this.#output.memory;
    const position = writeEntryHeader(target, start, kind, size);
    target.set(stream, position);
    this.#output.use(position + stream.length);
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
    if (!this.#isHeld || whole === undefined) this.#output.complete();
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

  /** Completes the file of a pack that is still held. */
  write(): void {
    if (this.#output.whole !== undefined) this.#output.complete();
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
    const offset = this.size;
    const room = entryHeaderBytesMax + storedStreamSize(bytes.length);
    let position = this.#output.reserve(room);
    const target = this.#output.memory;
    position = writeEntryHeader(target, position, kind, bytes.length);
    position = target.writeUInt16BE(zlibHeader, position);
    let start = 0;
    do {
      const end = Math.min(start + storedBlockBytesMax, bytes.length);
      position = writeBlockHeader(target, position, end - start, end === bytes.length);
      const isAll = end - start === bytes.length;
      target.set(isAll ? bytes : bytes.subarray(start, end), position);
      position += end - start;
      start = end;
    } while (start < bytes.length);
    position = target.writeUInt32BE(adler32(bytes), position);
    this.#output.use(position);
    this.#record(oid, offset);
  }

  #record(oid: ObjectId, offset: number): void {
    this.#known.add(oid);
    this.#entries.push({ oid, offset, crc: 0 });
    this.#entriesEnd = this.size;
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
