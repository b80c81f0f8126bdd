import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { openAnew } from "../../disk/open-anew.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { isUntouched, type Stamp } from "../../disk/stamp.ts";
import { journalPackOf, type StateDirectory } from "../../disk/state/state-directory.ts";
import { readingStateFile } from "../../disk/state/state-file.ts";
import { syncDirectory } from "../../disk/sync-directory.ts";
import { JournalNotes, type Progress, progressOf } from "./journal-notes.ts";
import {
  decodeRecord,
  encodeRecord,
  type JournalRecord,
  readRecordHead,
  recordHeadBytesMax,
} from "./journal-record.ts";
import { type FreeSlot, JournalSlots, type SlotClaim } from "./journal-slots.ts";

/**
 * The journal of a root: at most one record that may still have to be carried out.
 *
 * A record lies in a file of its own, `journal/current`, or, when it is small, in one of the two
 * slots of `journal/slots`, with its pack. In force is the one with the highest sequence number.
 *
 * Invariants of the commit protocol; each is kept by the function named behind it.
 *
 * I1  `journal/current` is only ever replaced by rename, never unlinked: unlinking it lost commits
 *     on btrfs. A slot is only written while its record is not in force. ({@link Journal.promote},
 *     {@link Journal.writeSlot})
 * I2  Nothing in the tree changes before the record is durable. (`PreparedCommit.publish`)
 * I3  Every byte needed to carry out a record is durable before the record has its name, or with
 *     it: in a slot the checksums of record and pack tell. (`PreparedCommit.publish`)
 * I4  A record is superseded only after everything it did is durable: by a syncfs that began after
 *     its last step and succeeded. ({@link settleJournal}, in `settle.ts`)
 * I5  Carrying out a record again is idempotent, decided by content, and never overwrites what it
 *     does not recognise. (`finishSteps`, in `finish.ts`)
 * I6  After a failed fsync or syncfs the files involved are never synced again: what the kernel
 *     could not write it has forgotten. They are written anew, into new inodes. (`settle.ts`,
 *     {@link Journal.entrench})
 */
export class Journal {
  readonly #disk: Disk;
  readonly #state: StateDirectory;
  readonly #slots: JournalSlots;
  /** What is noted beside the records. */
  readonly notes: JournalNotes;
  #isSwept = false;
  /** What was last read of `journal/current`. */
  #current: { readonly stamp: Stamp; readonly sequence: number } | undefined;
  #payment: ({ readonly sequence: number } & PaymentInTime) | undefined;

  constructor(disk: Disk, state: StateDirectory) {
    this.#disk = disk;
    this.#state = state;
    this.#slots = new JournalSlots(disk, state.journalSlots);
    this.notes = new JournalNotes(disk, state);
  }

  /** Remembers how what a record did is being made durable, until that has been asked for. */
  notePayment(sequence: number, payment: PaymentInTime): void {
    this.#payment = { sequence, ...payment };
  }

  /** Leaves it to the next commit, unless it has begun. */
  dropPayment(): void {
    this.#payment?.drop();
    this.#payment = undefined;
  }

  /** What was begun for a record, the first time that somebody asks. */
  paymentOf(sequence: number): Promise<Payment> | undefined {
    const payment = this.#payment;
    this.#payment = undefined;
    return payment?.sequence === sequence ? payment.pay() : undefined;
  }

  /** Which record is in force, and how far it has come. Does not look at what it says. */
  look(bootId: string): JournalState {
    const current = this.#sequenceOfCurrent();
    const note = this.notes.read();
    const slots = this.#slots.look();
    for (const claim of slots?.claims ?? []) {
      if (claim.sequence <= current) break;
      // Nobody notes how far a record has come that was not in force.
      if (note?.sequence !== claim.sequence && !this.#slots.isWhole(claim)) continue;
      const free = { slot: 1 - claim.slot, layout: claim.layout };
      const slot = { inForce: claim, free };
      return { sequence: claim.sequence, progress: progressOf(claim.sequence, note, bootId), slot };
    }
    const progress = progressOf(current, note, bootId);
    const free = slots && { slot: 0, layout: slots.layout };
    const slot = free && { inForce: undefined, free };
    return { sequence: current, progress, slot };
  }

  /** The sequence number of the record in force, 0 when there has never been one. */
  sequence(): number {
    return this.look("").sequence;
  }

  /**
   * The record in force, or `undefined` when there has never been one.
   *
   * @throws {DraftError} `DRAFT_FORMAT_CORRUPT` when it is damaged.
   */
  read(): JournalRecord | undefined {
    const inForce = this.look("").slot?.inForce;
    if (inForce !== undefined) return this.#slots.read(inForce).record;
    if (this.#disk.lstat(this.#state.journalCurrent) === undefined) return undefined;
    const path = this.#state.journalCurrent;
    return decodeRecord(
      readingStateFile(path, () => this.#disk.readFile(path)),
      path,
    );
  }

  /** Writes the next record under its provisional name; returns its descriptor, for fsync. */
  writeNext(record: JournalRecord): number {
    // A new inode: one that is left here may be one that the disk failed to write (I6).
    const descriptor = openAnew(this.#disk, this.#state.journalNext);
    try {
      this.#disk.write(descriptor, encodeRecord(record));
      return descriptor;
    } catch (error) {
      this.#disk.close(descriptor);
      throw error;
    }
  }

  /** Puts the next record in force. Durable after {@link Journal.syncNames}. */
  promote(): void {
    // It may stand for another one, whose pack stays as long as itself.
    this.#isSwept = false;
    this.#disk.rename(this.#state.journalNext, this.#state.journalCurrent);
  }

  /** Puts a record in force, durably. What it needs must be durable already (I3). */
  async supersede(record: JournalRecord): Promise<void> {
    await this.#syncAndClose(this.writeNext(record));
    this.promote();
    await this.syncNames();
  }

  /** Makes the names of record and pack durable: they share one directory. */
  async syncNames(): Promise<void> {
    await syncDirectory(this.#disk, this.#state.journal);
  }

  /**
   * Puts a small record in force, with its pack, in the slot that is free. Durable after an
   * fdatasync of the descriptor that is returned.
   *
   * @throws whatever the disk says. Nothing is in force then.
   */
  writeSlot(free: FreeSlot, record: Uint8Array, pack: Uint8Array): number {
    return this.#slots.write(free, record, pack);
  }

  /**
   * Takes a record out of its slot again, durably, of which no step has been begun: nobody has
   * acted upon it. In force is what was before. It takes no room, which may be what is missing, and
   * no file.
   *
   * @param descriptor that it was written by.
   */
  async revoke(slot: FreeSlot, descriptor: number): Promise<void> {
    this.#slots.erase(slot, descriptor);
    await this.#disk.fdatasync(descriptor);
  }

  /**
   * Gives a record that lies in a slot files of its own, as others have them, and does away with
   * the slots: what is carried out again relies on inodes that no sync has failed for (I6), and on
   * a pack that is durable under its name.
   */
  async entrench(): Promise<void> {
    const inForce = this.look("").slot?.inForce;
    if (inForce !== undefined) {
      const { record, pack } = this.#slots.read(inForce);
      if (record.pack !== null) {
        await this.#writeAnew(journalPackOf(this.#state, record.pack.sequence), pack);
      }
      await this.supersede(record);
    }
    this.#slots.remove();
  }

  /** Makes a pack durable that so far only a slot keeps. */
  async keepPack(sequence: number): Promise<void> {
    if (this.look("").slot?.inForce?.sequence !== sequence) return;
    await this.#syncAndClose(this.#disk.open(journalPackOf(this.#state, sequence), openFlags.read));
  }

  /** The numbers of the records that slots hold, whole or not. */
  slotSequences(): readonly number[] {
    return (this.#slots.look()?.claims ?? []).map(({ sequence }) => sequence);
  }

  /** Makes slots, where there are none, that the next syncfs makes durable. */
  createSlots(): void {
    this.#slots.create();
  }

  /** Opens the slots for use: what {@link Journal.createSlots} has made is durable. */
  sealSlots(): void {
    this.#slots.seal();
  }

  /**
   * Removes the packs of records up to one that is settled. The first time that is all that lie
   * there, later only its own: there are no others, unless something was taken back.
   */
  dropPacks(sequence: number): void {
    const own = this.#isSwept ? [sequence] : this.#packsUpTo(sequence);
    for (const each of own) this.#unlinkIfThere(journalPackOf(this.#state, each));
    this.#isSwept = true;
  }

  #packsUpTo(sequence: number): number[] {
    const names = this.#disk.readdir(this.#state.journal).map(({ name }) => name);
    return names
      .map((name) => Number(/^(\d+)\.pack$/.exec(name)?.[1] ?? Number.NaN))
      .filter((each) => each <= sequence);
  }

  #unlinkIfThere(path: string): void {
    try {
      this.#disk.unlink(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }

  /** Removes what a record that never came into force left in the journal. */
  dropNext(sequence: number): void {
    for (const path of [this.#state.journalNext, journalPackOf(this.#state, sequence)]) {
      this.#unlinkIfThere(path);
    }
  }

  /** One look where it is the file that was read before: it is only ever replaced as a whole. */
  #sequenceOfCurrent(): number {
    const stamp = this.#disk.lstat(this.#state.journalCurrent);
    if (stamp === undefined) return 0;
    const known = this.#current;
    if (known !== undefined && isUntouched(stamp, known.stamp)) return known.sequence;
    const sequence = this.#readSequence();
    this.#current = { stamp, sequence };
    return sequence;
  }

  #readSequence(): number {
    const path = this.#state.journalCurrent;
    const descriptor = this.#openIfThere(path);
    if (descriptor === undefined) return 0;
    try {
      const head = Buffer.alloc(recordHeadBytesMax);
      const length = readingStateFile(path, () => this.#disk.read(descriptor, head, 0));
      return readRecordHead(head.subarray(0, length), path).sequence;
    } finally {
      this.#disk.close(descriptor);
    }
  }

  /** Into a new inode, whatever lies there. Its name is durable after {@link Journal.syncNames}. */
  async #writeAnew(path: string, bytes: Uint8Array): Promise<void> {
    const descriptor = openAnew(this.#disk, path);
    try {
      this.#disk.write(descriptor, bytes, 0);
      await this.#disk.fsync(descriptor);
    } finally {
      closeQuietly(this.#disk, descriptor);
    }
  }

  async #syncAndClose(descriptor: number): Promise<void> {
    try {
      await this.#disk.fsync(descriptor);
    } finally {
      closeQuietly(this.#disk, descriptor);
    }
  }

  #openIfThere(path: string): number | undefined {
    try {
      return this.#disk.open(path, openFlags.read);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** Making all durable that an operation did, before anybody needs it. */
export interface PaymentInTime {
  /** Begins it, the first time. */
  readonly pay: () => Promise<Payment>;
  /** Keeps it from beginning by itself. */
  readonly drop: () => void;
}

/** What became of making all durable that an operation did. */
export interface Payment {
  /** Why it failed; `undefined` when it did not. */
  readonly error: unknown;
  /** Whether there are slots now that were made durable with the rest. */
  readonly hasSlots: boolean;
}

/** The record in force. */
export interface JournalState {
  /** 0 when there has never been one. */
  readonly sequence: number;
  /** How far it has come, as far as this system knows. */
  readonly progress: Progress;
  /** The slots, where there are any to use. */
  readonly slot:
    | {
        /** The record in force, when it lies in a slot. */
        readonly inForce: SlotClaim | undefined;
        /** The slot that may be written over. */
        readonly free: FreeSlot;
      }
    | undefined;
}
