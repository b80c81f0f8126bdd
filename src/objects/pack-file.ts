import { closeQuietly } from "../disk/close-quietly.ts";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { DraftError } from "../errors.ts";
import { applyDelta } from "./delta.ts";
import type { ObjectId, ObjectKind } from "./object-id.ts";
import { checksumBytes, entryTypes, zlibHeader } from "./pack-format.ts";
import { inflate } from "./zlib-stream.ts";

/** An object of git, whole. */
export interface GitObject {
  readonly kind: ObjectKind;
  readonly bytes: Buffer;
}

/** What an entry of a pack says before its zlib stream. */
interface EntryHead {
  readonly type: number;
  readonly size: number;
  /** Where the zlib stream begins. */
  readonly streamOffset: number;
  /** The base of a delta: a position in the same pack, or an object id. */
  readonly base: number | ObjectId | undefined;
}

/** Enough for any entry header: type and size, and the longest base reference. */
const headBytesMax = 32;

/** Deltas upon deltas: git writes chains of at most 4,095, and 50 by default. */
const deltaDepthMax = 4095;

/** Reads objects from one pack, given where they begin. */
export class PackFile {
  readonly #disk: Disk;
  readonly path: string;
  readonly #listOffsets: () => Iterable<number>;
  #descriptor: number | undefined;
  #size = 0;
  /** Positions of all entries in ascending order: an entry ends where the next one begins. */
  #offsets: Float64Array | undefined;

  /** @param listOffsets the positions of all entries, in any order; called once, when needed. */
  constructor(disk: Disk, path: string, listOffsets: () => Iterable<number>) {
    this.#disk = disk;
    this.path = path;
    this.#listOffsets = listOffsets;
  }

  /**
   * The object at `offset`.
   *
   * @param readBase finds the base of a delta that lies elsewhere.
   * @throws {DraftError} `DRAFT_STORE_CORRUPT` when it cannot be read as an object.
   */
  read(offset: number, readBase: (oid: ObjectId) => GitObject, depth = 0): GitObject {
    const whole = this.#readEntry(offset);
    const head = this.#parseHead(whole, offset);
    const bytes = this.#inflate(whole.subarray(head.streamOffset - offset), head, offset);
    if (head.base === undefined) {
      const kind = kindOfType(head.type);
      if (kind === undefined) throw this.#corrupt(offset, `it has type ${head.type}`);
      return { kind, bytes };
    }
    if (depth > deltaDepthMax) throw this.#corrupt(offset, "its deltas never end");
    const base =
      typeof head.base === "number"
        ? this.read(head.base, readBase, depth + 1)
        : readBase(head.base);
    return { kind: base.kind, bytes: applyDelta(base.bytes, bytes) };
  }

  #readAt(buffer: Uint8Array, position: number): number {
    return this.#disk.read(this.#open(), buffer, position);
  }

  /**
   * The object at `offset` as it lies in the pack, compressed; `undefined` when it is a delta or
   * not compressed at all.
   */
  readCompressed(offset: number): { size: number; stream: Buffer } | undefined {
    const whole = this.#readEntry(offset);
    const head = this.#parseHead(whole, offset);
    const start = head.streamOffset - offset;
    if (head.base !== undefined || whole.readUInt16BE(start) === zlibHeader) return undefined;
    const stream = whole.subarray(start, this.#endOf(offset) - offset);
    return { size: head.size, stream };
  }

  /** The kind of the object at `offset`; `undefined` for a delta, whose base would tell. */
  kindAt(offset: number): ObjectKind | undefined {
    const head = Buffer.alloc(headBytesMax);
    this.#readAt(head, offset);
    return kindOfType(this.#parseHead(head, offset).type);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeQuietly(this.#disk, this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    if (this.#descriptor === undefined) {
      this.#descriptor = this.#disk.open(this.path, openFlags.read);
      this.#size = this.#disk.fstat(this.#descriptor).size;
    }
    return this.#descriptor;
  }

  /** The whole entry in one call; past its end lies at least the trailer of the pack. */
  #readEntry(offset: number): Buffer {
    const entry = Buffer.allocUnsafeSlow(Math.max(headBytesMax, this.#endOf(offset) - offset));
    return entry.subarray(0, this.#readAt(entry, offset));
  }

  #parseHead(bytes: Buffer, offset: number): EntryHead {
    const head = parseEntryHead(bytes, offset);
    if (head === undefined) throw this.#corrupt(offset, "its header is damaged");
    return head;
  }

  #inflate(stream: Buffer, head: EntryHead, offset: number): Buffer {
    try {
      return inflate(stream, head.size);
    } catch (error) {
      throw this.#corrupt(offset, "its content is damaged", error);
    }
  }

  #endOf(offset: number): number {
    this.#offsets ??= Float64Array.from(this.#listOffsets()).sort();
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    this.#open();
    return this.#offsets[low] ?? this.#size - checksumBytes;
  }

  #corrupt(offset: number, reason: string, cause?: unknown): DraftError {
    return new DraftError(
      "DRAFT_STORE_CORRUPT",
      `Cannot read the object at ${offset} of ${this.path}: ${reason}. Run draftfs verify.`,
      { path: this.path, cause },
    );
  }
}

/** Parses what stands before the zlib stream of the entry at `offset`; `bytes` begin there. */
export function parseEntryHead(bytes: Buffer, offset: number): EntryHead | undefined {
  let position = 0;
  let byte = bytes[position++] ?? 0;
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let scale = 16; (byte & 0x80) !== 0; scale *= 0x80) {
    byte = bytes[position++] ?? 0;
    size += (byte & 0x7f) * scale;
  }
  if (!Number.isSafeInteger(size)) return undefined;
  if (type === entryTypes.idDelta) {
    const base = bytes.toString("hex", position, position + 20);
    return { type, size, streamOffset: offset + position + 20, base };
  }
  if (type !== entryTypes.offsetDelta) {
    return { type, size, streamOffset: offset + position, base: undefined };
  }
  byte = bytes[position++] ?? 0;
  let distance = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    byte = bytes[position++] ?? 0;
    distance = (distance + 1) * 0x80 + (byte & 0x7f);
  }
  const base = offset - distance;
  if (distance <= 0 || base < 0) return undefined;
  return { type, size, streamOffset: offset + position, base };
}

/** The kind that an entry type stands for; `undefined` for deltas and nonsense. */
export function kindOfType(type: number): ObjectKind | undefined {
  if (type === entryTypes.blob) return "blob";
  if (type === entryTypes.tree) return "tree";
  if (type === entryTypes.tag) return "tag";
  return type === entryTypes.commit ? "commit" : undefined;
}
