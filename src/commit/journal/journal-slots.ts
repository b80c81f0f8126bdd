import { createHash } from "node:crypto";
import type { Disk } from "../../disk/disk.ts";
import { openAnew } from "../../disk/open-anew.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { readingStateFile } from "../../disk/state/state-file.ts";
import { DraftError, isDraftError } from "../../errors.ts";
import { journalSlotBytes, KIB } from "../../limits.ts";
import {
  decodeRecord,
  type JournalRecord,
  readRecordHead,
  recordHeadBytesMax,
} from "./journal-record.ts";

/** A record that a slot says it holds. Whether it is whole only reading it tells. */
export interface SlotClaim {
  readonly slot: number;
  readonly sequence: number;
  /** Size of the record; its pack lies behind it. */
  readonly size: number;
  readonly layout: SlotLayout;
}

/** How large the slots of a file are. */
export interface SlotLayout {
  readonly slotBytes: number;
}

/** A slot that may be written over. */
export interface FreeSlot {
  readonly slot: number;
  readonly layout: SlotLayout;
}

/** The slots of a root, where there are some to use. */
export interface Slots {
  readonly layout: SlotLayout;
  /** What they say they hold, the newest first. */
  readonly claims: readonly SlotClaim[];
}

/** A whole record out of a slot, with the bytes of its pack. */
export interface SlotContent {
  readonly record: JournalRecord;
  readonly pack: Buffer;
}

/** Says that the blocks and the name of the file are durable, and how large its slots are. */
const sealPattern = /^draftfs-slots (\d{1,9})\n/;
const newest = 2;
const newestLayout: SlotLayout = { slotBytes: journalSlotBytes };
/** By the number in the seal. Files of the first kind are read and used, and made no more. */
const layouts: Readonly<Record<number, SlotLayout>> = {
  1: { slotBytes: 256 * KIB },
  [newest]: newestLayout,
};
/** One sector for the seal, so that writing it touches no slot. */
const sealBytes = 512;
const slotCount = 2;
/** So many at a time: memory that is touched for the first time costs more than writing it. */
const zeroBytes = 256 * KIB;

/**
 * Two places for small records and their packs, in one file that is written once and made durable,
 * blocks, name and all. Writing over it then takes one wait for the device (`fdatasync`), and no
 * name has to change: that is the whole commit point of a small operation.
 *
 *   file = seal, zeros up to 512 bytes, slot, slot
 *   slot = record (see `journal-record.ts`) pack, then anything up to its end
 *
 * A slot is written while its record is not in force, so the one in force is never at risk. What is
 * torn was never in force: checksums of record and pack tell.
 *
 * The idea is that of any write-ahead log with preallocated segments.
 */
export class JournalSlots {
  readonly #disk: Disk;
  readonly #path: string;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /**
   * What the slots hold; `undefined` where there are none to use.
   *
   * @throws {DraftError} `DRAFT_FORMAT_NEWER` when a later version has made them.
   */
  look(): Slots | undefined {
    return this.#opened(openFlags.read, (descriptor) => {
      const head = this.#readUpTo(descriptor, sealBytes + recordHeadBytesMax, 0);
      const layout = this.#layoutOf(head);
      if (layout === undefined) return undefined;
      const heads = [
        head.subarray(sealBytes),
        this.#readUpTo(descriptor, recordHeadBytesMax, startOf(1, layout)),
      ];
      const claims = heads.flatMap((bytes, slot) => this.#claim(bytes, slot, layout));
      return { layout, claims: claims.sort((a, b) => b.sequence - a.sequence) };
    });
  }

  /**
   * Reads a record that a slot says it holds, with its pack.
   *
   * @throws {DraftError} `DRAFT_FORMAT_CORRUPT` when either is torn or damaged.
   */
  read({ slot, size, layout }: SlotClaim): SlotContent {
    const content = this.#opened(openFlags.read, (descriptor) => {
      const bytes = this.#readUpTo(descriptor, layout.slotBytes, startOf(slot, layout));
      const record = decodeRecord(bytes.subarray(0, size), this.#path);
      const pack = bytes.subarray(size, size + (record.pack?.size ?? 0));
      if (!isPack(pack, record)) throw this.#damaged("its pack is not whole");
      return { record, pack };
    });
    if (content === undefined) throw this.#damaged("it is gone");
    return content;
  }

  isWhole(claim: SlotClaim): boolean {
    try {
      this.read(claim);
      return true;
    } catch (error) {
      if (isDraftError(error)) return false;
      throw error;
    }
  }

  /**
   * Makes the file where there is none. To be made durable by a syncfs, then to be sealed.
   *
   * @throws whatever the disk says, which may be full; nothing is left behind then.
   */
  create(): void {
    const found = this.#disk.lstat(this.#path);
    const bytes = startOf(slotCount, newestLayout);
    // One of another size is what a power cut has left of its creation, or sealed and in use.
    if (found?.size === bytes || this.look() !== undefined) return;
    const next = `${this.#path}.new`;
    const descriptor = openAnew(this.#disk, next);
    try {
      const zeros = Buffer.alloc(zeroBytes);
      for (let at = 0; at < bytes; at += zeroBytes) {
        this.#disk.write(descriptor, zeros.subarray(0, bytes - at), at);
      }
    } catch (error) {
      this.#disk.unlink(next);
      throw error;
    } finally {
      this.#disk.close(descriptor);
    }
    this.#disk.rename(next, this.#path);
  }

  /** Says that the file is durable: a syncfs that began after its creation has succeeded. */
  seal(): void {
    this.#opened(openFlags.update, (descriptor) =>
      this.#disk.write(descriptor, Buffer.from(`draftfs-slots ${newest}\n`), 0),
    );
  }

  /**
   * Writes a record and its pack into a slot. In force, for those who can see it, from here on;
   * durable after an fdatasync.
   *
   * @returns the descriptor, for that.
   * @throws whatever the disk says; nothing is in force then.
   */
  write({ slot, layout }: FreeSlot, record: Uint8Array, pack: Uint8Array): number {
    const descriptor = this.#disk.open(this.#path, openFlags.update);
    try {
      // One write, so that nobody who looks finds the head of one and the rest of another for long.
      this.#disk.write(descriptor, Buffer.concat([record, pack]), startOf(slot, layout));
      return descriptor;
    } catch (error) {
      this.#disk.close(descriptor);
      throw error;
    }
  }

  /**
   * Takes a record out of its slot again; durable after an fdatasync.
   *
   * @param descriptor that it was written by: there may be no other to be had.
   */
  erase({ slot, layout }: FreeSlot, descriptor: number): void {
    this.#disk.write(descriptor, Buffer.alloc(recordHeadBytesMax), startOf(slot, layout));
  }

  /** Removes the file: a new one will be another inode. */
  remove(): void {
    if (this.#disk.lstat(this.#path) !== undefined) this.#disk.unlink(this.#path);
  }

  #layoutOf(head: Buffer): SlotLayout | undefined {
    const kind = Number(sealPattern.exec(head.toString("latin1", 0, sealBytes))?.[1] ?? 0);
    if (kind <= newest) return layouts[kind];
    throw new DraftError(
      "DRAFT_FORMAT_NEWER",
      `The journal's slots ${this.#path} were made by a newer draftfs (version ${kind}, this one ` +
        `reads up to ${newest}). Nothing was touched. Update draftfs, or use the newer one here.`,
      { path: this.#path },
    );
  }

  #claim(bytes: Buffer, slot: number, layout: SlotLayout): SlotClaim[] {
    // As it was made. An error for it would cost more than all else that is done here.
    if (bytes.length === 0 || bytes[0] === 0) return [];
    try {
      const { sequence, size } = readRecordHead(bytes, this.#path);
      return size > layout.slotBytes ? [] : [{ slot, sequence, size, layout }];
    } catch (error) {
      // Torn.
      if (isDraftError(error) && error.code === "DRAFT_FORMAT_CORRUPT") return [];
      throw error;
    }
  }

  #opened<Result>(flags: number, use: (descriptor: number) => Result): Result | undefined {
    let descriptor: number;
    try {
      descriptor = this.#disk.open(this.#path, flags);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    try {
      return readingStateFile(this.#path, () => use(descriptor));
    } finally {
      this.#disk.close(descriptor);
    }
  }

  #readUpTo(descriptor: number, length: number, position: number): Buffer {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, this.#disk.read(descriptor, bytes, position));
  }

  #damaged(reason: string): DraftError {
    return new DraftError(
      "DRAFT_FORMAT_CORRUPT",
      `Cannot trust the journal's slots ${this.#path}: ${reason}. Nothing was touched. Check the ` +
        "disk; see docs/recovery.md.",
      { path: this.#path },
    );
  }
}

/** Whether a record of this size and a pack of that one fit into a slot. */
export function fitsSlot({ layout }: FreeSlot, record: Uint8Array, pack: Uint8Array): boolean {
  return record.length + pack.length <= layout.slotBytes;
}

function startOf(slot: number, { slotBytes }: SlotLayout): number {
  return sealBytes + slot * slotBytes;
}

/** A pack ends in the SHA-1 of all before. */
function isPack(bytes: Buffer, { pack }: JournalRecord): boolean {
  if (pack === null) return true;
  if (bytes.length !== pack.size || bytes.length < 20) return false;
  const checksum = createHash("sha1").update(bytes.subarray(0, -20)).digest("hex");
  return checksum === pack.checksum && bytes.toString("hex", bytes.length - 20) === checksum;
}
