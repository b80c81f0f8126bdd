import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { journalPackOf, type StateDirectory } from "../disk/state-directory.ts";
import {
  decodeRecord,
  encodeRecord,
  type JournalRecord,
  recordSequenceOf,
} from "./journal-record.ts";
import { syncDirectory } from "./sync-directory.ts";

/**
 * The journal of a root: at most one record that may still have to be carried out.
 *
 * Invariants of the commit protocol; each is kept by the function named behind it.
 *
 * I1  There is exactly one name for the record in force, `journal/current`. It is only ever
 *     replaced by rename, never unlinked: unlinking it lost commits on btrfs.
 *     ({@link Journal.promote})
 * I2  Nothing in the tree changes before the record is durable. (`PreparedCommit.publish`)
 * I3  Every byte needed to carry out a record is durable before the record has its name.
 *     (`PreparedCommit.publish`)
 * I4  A record is replaced only after everything it did is durable: by a syncfs that began after
 *     its last step and succeeded. ({@link settleJournal}, in `settle.ts`)
 * I5  Carrying out a record again is idempotent, decided by content, and never overwrites what it
 *     does not recognise. (`finishSteps`, in `finish.ts`)
 * I6  After a failed fsync or syncfs the files involved are never synced again: what the kernel
 *     could not write it has forgotten. They are written anew, into new inodes. (`settle.ts`)
 */
export class Journal {
  readonly #disk: Disk;
  readonly #state: StateDirectory;
  #owesSettling = false;

  constructor(disk: Disk, state: StateDirectory) {
    this.#disk = disk;
    this.#state = state;
  }

  /** Whether an operation was carried out through this object and has not been settled since. */
  get owesSettling(): boolean {
    return this.#owesSettling;
  }

  /** The sequence number of the record in force, 0 when there has never been one. */
  sequence(): number {
    const descriptor = this.#openCurrent();
    if (descriptor === undefined) return 0;
    try {
      const head = Buffer.alloc(headBytesMax);
      const length = this.#disk.read(descriptor, head, 0);
      return recordSequenceOf(head.subarray(0, length), this.#state.journalCurrent);
    } finally {
      this.#disk.close(descriptor);
    }
  }

  /** The record in force, or `undefined` when there has never been one. */
  read(): JournalRecord | undefined {
    if (this.#disk.lstat(this.#state.journalCurrent) === undefined) return undefined;
    return decodeRecord(
      this.#disk.readFile(this.#state.journalCurrent),
      this.#state.journalCurrent,
    );
  }

  /** Writes the next record under its provisional name; returns its descriptor, for fsync. */
  writeNext(record: JournalRecord): number {
    // A new inode: one that is left here may be one that the disk failed to write (I6).
    if (this.#disk.lstat(this.#state.journalNext) !== undefined) {
      this.#disk.unlink(this.#state.journalNext);
    }
    const descriptor = this.#disk.open(this.#state.journalNext, openFlags.createNew, 0o600);
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
    this.#disk.rename(this.#state.journalNext, this.#state.journalCurrent);
  }

  /** Makes the names of record and pack durable: they share one directory. */
  async syncNames(): Promise<void> {
    await syncDirectory(this.#disk, this.#state.journal);
  }

  /**
   * Notes, before a record without durability comes into force, that a power cut may tear it, its
   * pack and the store. Durable: without it, torn bytes would be damage.
   */
  async beginVolatile(bootId: string): Promise<void> {
    if (this.isVolatile) return;
    this.#writeFile(this.#volatilePath, bootId);
    await this.syncNames();
  }

  /** Notes that what was torn is mended. Should this note be torn, all is looked at again. */
  renewVolatile(bootId: string): void {
    this.#writeFile(this.#volatilePath, bootId);
  }

  /** Takes that back, where all that came before is durable. */
  endVolatile(): void {
    if (this.isVolatile) this.#disk.unlink(this.#volatilePath);
  }

  /** Whether what a power cut tears may be torn. */
  get isVolatile(): boolean {
    return this.#disk.lstat(this.#volatilePath) !== undefined;
  }

  /** Whether that was under another boot, so that the power may have gone since. */
  hasBeenCut(bootId: string): boolean {
    if (!this.isVolatile) return false;
    const noted = this.#disk.readFile(this.#volatilePath).toString("latin1");
    return bootId === "" || noted !== `${bootId}\n`;
  }

  /** How far the record in force has come, as far as this system knows. */
  progress(sequence: number, bootId: string): Progress {
    const note = this.#readNote(sequence);
    if (note === undefined || note.progress === "begun") return "unknown";
    if (note.progress === "settled" || note.progress === "failed") return note.progress;
    // What was applied under another boot may have been lost with it.
    return note.bootId === bootId && bootId !== "" ? note.progress : "unknown";
  }

  /**
   * When every step of a record had been carried out, under whatever boot, in milliseconds since
   * the epoch; `undefined` where nobody has noted it.
   */
  appliedMs(sequence: number): number | undefined {
    return this.#readNote(sequence)?.appliedMs;
  }

  /**
   * Notes how far a record has come. A hint that saves work: it need not be durable, nor whole.
   *
   * @param appliedMs when its last step was carried out.
   */
  note(
    progress: Exclude<Progress, "unknown">,
    sequence: number,
    bootId: string,
    appliedMs = Date.now(),
  ): void {
    this.#owesSettling = progress === "applied";
    this.#writeFile(this.#progressPath, `${progress} ${sequence} ${bootId} ${appliedMs}`);
  }

  /**
   * Takes a note back before the steps of its record are carried out again, after which its time
   * says nothing any more. Durable.
   */
  async retractNote(sequence: number, bootId: string): Promise<void> {
    const descriptor = this.#openWritten(this.#progressPath, `begun ${sequence} ${bootId}`);
    try {
      await this.#disk.fsync(descriptor);
    } finally {
      this.#disk.close(descriptor);
    }
  }

  #writeFile(path: string, text: string): void {
    this.#disk.close(this.#openWritten(path, text));
  }

  #openWritten(path: string, text: string): number {
    const descriptor = this.#disk.open(path, openFlags.createOrTruncate, 0o600);
    try {
      this.#disk.write(descriptor, Buffer.from(`${text}\n`));
      return descriptor;
    } catch (error) {
      this.#disk.close(descriptor);
      throw error;
    }
  }

  #readNote(sequence: number): Note | undefined {
    const path = this.#progressPath;
    if (this.#disk.lstat(path) === undefined) return undefined;
    const match = notePattern.exec(this.#disk.readFile(path).toString("latin1"));
    if (match === null || Number(match[2]) !== sequence) return undefined;
    return {
      progress: match[1] as Note["progress"],
      bootId: match[3] ?? "",
      appliedMs: match[4] === undefined ? undefined : Number(match[4]),
    };
  }

  /** Removes what a record that never came into force left in the journal. */
  dropNext(sequence: number): void {
    for (const path of [this.#state.journalNext, journalPackOf(this.#state, sequence)]) {
      if (this.#disk.lstat(path) !== undefined) this.#disk.unlink(path);
    }
  }

  get #volatilePath(): string {
    return `${this.#state.journal}/volatile`;
  }

  get #progressPath(): string {
    return `${this.#state.journal}/progress`;
  }

  #openCurrent(): number | undefined {
    try {
      return this.#disk.open(this.#state.journalCurrent, openFlags.read);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}

interface Note {
  readonly progress: Exclude<Progress, "unknown"> | "begun";
  readonly bootId: string;
  readonly appliedMs: number | undefined;
}

const notePattern =
  /^(begun|unpublished|applied|settled|failed) (\d+) ([0-9a-f-]*)(?: (\d{1,15}))?\n$/;

/** Enough for the header of a record. */
const headBytesMax = 128;

/**
 * `applied`: every step was carried out under this boot, but not all of it need be durable.
 * `unpublished`: the same, but the checkpoint store has not got it yet.
 * `settled`: all of it is durable. `failed`: the disk could not write all of it (I6).
 * `unknown`: it has to be looked at.
 */
export type Progress = "unknown" | "unpublished" | "applied" | "settled" | "failed";
