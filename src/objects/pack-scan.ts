import { createHash } from "node:crypto";
import { crc32, inflateSync } from "node:zlib";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { DraftError } from "../errors.ts";
import { chunkBytes } from "../limits.ts";
import { type ObjectId, objectIdOf, startObjectHash } from "./object-id.ts";
import { type GitObject, kindOfType, PackFile, parseEntryHead } from "./pack-file.ts";
import {
  checksumBytes,
  type PackEntry,
  packHeaderBytes,
  packVersion,
  storedBlockBytesMax,
  storedBlockHeaderBytes,
  storedStreamSize,
  zlibHeader,
  zlibHeaderBytes,
} from "./pack-format.ts";

/** Everything that an index is made of, read from the pack itself. */
export interface PackScan {
  readonly checksum: string;
  readonly entries: readonly PackEntry[];
}

/**
 * Reads a whole pack and checks every byte of it: its trailer, its count, every zlib stream.
 *
 * @param readBase finds the base of a delta that is not in this pack.
 * @throws {DraftError} `DRAFT_STORE_CORRUPT` when the pack is torn or damaged anywhere.
 */
export function scanPack(
  disk: Disk,
  path: string,
  readBase: (oid: ObjectId) => GitObject,
): PackScan {
  const descriptor = disk.open(path, openFlags.read);
  try {
    const size = disk.fstat(descriptor).size;
    return new PackScanner(disk, descriptor, path, size, readBase).scan();
  } finally {
    disk.close(descriptor);
  }
}

interface DeltaEntry {
  readonly offset: number;
  readonly crc: number;
}

class PackScanner {
  readonly #disk: Disk;
  readonly #descriptor: number;
  readonly #path: string;
  readonly #size: number;
  readonly #readBase: (oid: ObjectId) => GitObject;
  readonly #found: PackEntry[] = [];
  readonly #oids = new Map<number, ObjectId>();
  readonly #deltas: DeltaEntry[] = [];

  constructor(
    disk: Disk,
    descriptor: number,
    path: string,
    size: number,
    readBase: (oid: ObjectId) => GitObject,
  ) {
    this.#disk = disk;
    this.#descriptor = descriptor;
    this.#path = path;
    this.#size = size;
    this.#readBase = readBase;
  }

  scan(): PackScan {
    if (this.#size < packHeaderBytes + checksumBytes) throw this.#corrupt("it is too short");
    const checksum = this.#verifyTrailer();
    const header = this.#readAt(0, packHeaderBytes);
    if (header.toString("latin1", 0, 4) !== "PACK" || header.readUInt32BE(4) !== packVersion) {
      throw this.#corrupt("it is no pack of version 2");
    }
    const count = header.readUInt32BE(8);
    let offset = packHeaderBytes;
    for (let index = 0; index < count; index++) offset = this.#scanEntry(offset);
    if (offset !== this.#size - checksumBytes) throw this.#corrupt("its count is wrong");
    this.#resolveDeltas();
    return { checksum, entries: this.#found };
  }

  #verifyTrailer(): string {
    const end = this.#size - checksumBytes;
    const hash = createHash("sha1");
    for (let position = 0; position < end; position += chunkBytes) {
      hash.update(this.#readAt(position, Math.min(chunkBytes, end - position)));
    }
    const checksum = hash.digest("hex");
    if (checksum === this.#readAt(end, checksumBytes).toString("hex")) return checksum;
    throw this.#corrupt("its checksum does not match its bytes");
  }

  /** Takes one entry in; returns where the next one begins. */
  #scanEntry(offset: number): number {
    const head = parseEntryHead(this.#readAt(offset, 32), offset);
    const kind = head === undefined ? undefined : kindOfType(head.type);
    if (head === undefined || (kind === undefined && head.base === undefined)) {
      throw this.#corrupt(`the entry at ${offset} is damaged`);
    }
    const start = this.#readAt(head.streamOffset, zlibHeaderBytes + storedBlockHeaderBytes);
    const isLargeStored =
      kind === "blob" && head.size > chunkBytes && isStored(start, Math.min(head.size, 0xffff));
    if (isLargeStored) return this.#scanStored(offset, head.streamOffset, head.size);
    const bytes = this.#readAt(offset, head.streamOffset - offset + streamBytesMax(head.size));
    const { content, consumed } = this.#inflate(
      bytes.subarray(head.streamOffset - offset),
      head.size,
      offset,
    );
    const next = head.streamOffset + consumed;
    const crc = crc32(bytes.subarray(0, next - offset));
    if (head.base !== undefined) {
      this.#deltas.push({ offset, crc });
    } else if (kind !== undefined) {
      this.#record({ oid: objectIdOf(kind, content), offset, crc });
    }
    return next;
  }

  /** A large blob in stored blocks, in pieces. Its layout is fixed: all blocks but one are full. */
  #scanStored(offset: number, streamOffset: number, size: number): number {
    const next = streamOffset + storedStreamSize(size);
    const hash = startObjectHash("blob", size);
    let crc = crc32(this.#readAt(offset, streamOffset - offset + zlibHeaderBytes));
    let position = streamOffset + zlibHeaderBytes;
    for (let left = size; left > 0; ) {
      const length = Math.min(left, storedBlockBytesMax);
      const block = this.#readAt(position, storedBlockHeaderBytes + length);
      crc = crc32(block, crc);
      hash.update(block.subarray(storedBlockHeaderBytes));
      position += block.length;
      left -= length;
    }
    crc = crc32(this.#readAt(position, next - position), crc);
    this.#record({ oid: hash.digest("hex"), offset, crc });
    return next;
  }

  #inflate(stream: Buffer, size: number, offset: number): { content: Buffer; consumed: number } {
    try {
      const maxOutputLength = Math.max(1, size);
      const inflated = inflateSync(stream, { info: true, maxOutputLength }) as unknown as {
        readonly buffer: Buffer;
        readonly engine: { readonly bytesWritten: number };
      };
      if (inflated.buffer.length === size) {
        return { content: inflated.buffer, consumed: inflated.engine.bytesWritten };
      }
    } catch (error) {
      throw this.#corrupt(`the entry at ${offset} is damaged`, error);
    }
    throw this.#corrupt(`the entry at ${offset} has another size than it says`);
  }

  #record(entry: PackEntry): void {
    this.#found.push(entry);
    this.#oids.set(entry.offset, entry.oid);
  }

  /** The ids of deltas, now that every entry's position is known. */
  #resolveDeltas(): void {
    if (this.#deltas.length === 0) return;
    const all = [...this.#found, ...this.#deltas];
    const offsets = new Map(this.#found.map((entry) => [entry.oid, entry.offset]));
    const file = new PackFile(this.#disk, this.#path, () => all.map((entry) => entry.offset));
    const readBase = (oid: ObjectId): GitObject => {
      const offset = offsets.get(oid);
      return offset === undefined ? this.#readBase(oid) : file.read(offset, readBase);
    };
    try {
      for (const { offset, crc } of this.#deltas) {
        const { kind, bytes } = file.read(offset, readBase);
        this.#record({ oid: objectIdOf(kind, bytes), offset, crc });
      }
    } finally {
      file.close();
    }
  }

  #readAt(position: number, size: number): Buffer {
    const end = Math.min(position + size, this.#size);
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, end - position));
    return buffer.subarray(0, this.#disk.read(this.#descriptor, buffer, position));
  }

  #corrupt(reason: string, cause?: unknown): DraftError {
    return new DraftError(
      "DRAFT_STORE_CORRUPT",
      `Cannot read the pack ${this.#path}: ${reason}. Its objects are lost unless you have a copy.`,
      { path: this.#path, cause },
    );
  }
}

/** The longest that zlib makes a stream of `size` bytes (its own `compressBound`, and ours). */
function streamBytesMax(size: number): number {
  return storedStreamSize(size) + Math.ceil(size / 1000) + 64;
}

/** Whether a zlib stream begins with a stored block of `length` bytes, as ours do. */
function isStored(start: Buffer, length: number): boolean {
  const isOurs = start.length >= 7 && start.readUInt16BE(0) === zlibHeader;
  return isOurs && (start[2] as number) <= 1 && start.readUInt16LE(3) === length;
}
