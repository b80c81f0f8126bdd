import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import type { StateDirectory } from "../../disk/state/state-directory.ts";
import { readingStateFile } from "../../disk/state/state-file.ts";
import { syncDirectory } from "../../disk/sync-directory.ts";

/**
 * `applied`: every step was carried out under this boot, but not all of it need be durable.
 * `unpublished`: the same, but the checkpoint store has not got it yet.
 * `settled`: all of it is durable. `failed`: the disk could not write all of it (I6).
 * `unknown`: it has to be looked at.
 */
export type Progress = "unknown" | "unpublished" | "applied" | "settled" | "failed";

interface Note {
  readonly sequence: number;
  readonly progress: Exclude<Progress, "unknown"> | "begun";
  readonly bootId: string;
  readonly appliedMs: number | undefined;
}

const notePattern =
  /^(begun|unpublished|applied|settled|failed) (\d+) ([0-9a-f-]*)(?: (\d{1,15}))? *\n$/;
/**
 * All notes on progress are of one length, so that one is written over another: a file that is
 * emptied first ext4 gives new blocks when it is closed, and begins to write it.
 */
const noteLength = 96;

/**
 * What is noted beside the records: how far the one in force has come (`journal/progress`), a hint
 * that saves work and may be lost, and whether a power cut may have torn any (`journal/volatile`).
 */
export class JournalNotes {
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

  /** What is noted of the last record that anything was noted of. */
  read(): Note | undefined {
    const match = notePattern.exec(this.#readIfThere(this.#state.journalProgress));
    if (match === null) return undefined;
    return {
      progress: match[1] as Note["progress"],
      sequence: Number(match[2]),
      bootId: match[3] ?? "",
      appliedMs: match[4] === undefined ? undefined : Number(match[4]),
    };
  }

  /**
   * When every step of a record had been carried out, under whatever boot, in milliseconds since
   * the epoch; `undefined` where nobody has noted it.
   */
  appliedMs(sequence: number): number | undefined {
    const note = this.read();
    return note?.sequence === sequence ? note.appliedMs : undefined;
  }

  /**
   * Notes how far a record has come. It need not be durable, nor whole.
   *
   * @param appliedMs when its last step was carried out.
   */
  write(
    progress: Exclude<Progress, "unknown">,
    sequence: number,
    bootId: string,
    appliedMs = Date.now(),
  ): void {
    this.#owesSettling = progress === "applied";
    this.#disk.close(this.#openProgress(`${progress} ${sequence} ${bootId} ${appliedMs}`));
  }

  /**
   * Takes a note back before the steps of its record are carried out again, after which its time
   * says nothing any more. Durable.
   */
  async retract(sequence: number, bootId: string): Promise<void> {
    const descriptor = this.#openProgress(`begun ${sequence} ${bootId}`);
    try {
      await this.#disk.fsync(descriptor);
    } finally {
      this.#disk.close(descriptor);
    }
  }

  /**
   * Notes, before a record without durability comes into force, that a power cut may tear it, its
   * pack and the store. Durable: without it, torn bytes would be damage.
   */
  async beginVolatile(bootId: string): Promise<void> {
    if (this.#isVolatile) return;
    this.#writeVolatile(bootId);
    await syncDirectory(this.#disk, this.#state.journal);
  }

  /** Notes that what was torn is mended. Should this note be torn, all is looked at again. */
  renewVolatile(bootId: string): void {
    this.#writeVolatile(bootId);
  }

  /** Takes that back, where all that came before is durable. */
  endVolatile(): void {
    if (this.#isVolatile) this.#disk.unlink(this.#state.journalVolatile);
  }

  /** Whether something may be torn: it was volatile, and the power may have gone since. */
  hasBeenCut(bootId: string): boolean {
    if (!this.#isVolatile) return false;
    const path = this.#state.journalVolatile;
    const noted = readingStateFile(path, () => this.#disk.readFile(path)).toString("latin1");
    return bootId === "" || noted !== `${bootId}\n`;
  }

  get #isVolatile(): boolean {
    return this.#disk.lstat(this.#state.journalVolatile) !== undefined;
  }

  #readIfThere(path: string): string {
    try {
      return readingStateFile(path, () => this.#disk.readFile(path)).toString("latin1");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
  }

  #writeVolatile(bootId: string): void {
    const path = this.#state.journalVolatile;
    this.#disk.close(this.#open(path, openFlags.createOrTruncate, bootId));
  }

  /** Opens the note on progress, which says something new. */
  #openProgress(text: string): number {
    const path = this.#state.journalProgress;
    return this.#open(path, openFlags.createOrUpdate, text.padEnd(noteLength - 1));
  }

  #open(path: string, flags: number, text: string): number {
    const descriptor = this.#disk.open(path, flags, 0o600);
    try {
      this.#disk.write(descriptor, Buffer.from(`${text}\n`), 0);
      return descriptor;
    } catch (error) {
      this.#disk.close(descriptor);
      throw error;
    }
  }
}

/** What a note says of a record under this boot. */
export function progressOf(sequence: number, note: Note | undefined, bootId: string): Progress {
  if (note?.sequence !== sequence || note.progress === "begun") return "unknown";
  if (note.progress === "settled" || note.progress === "failed") return note.progress;
  // What was applied under another boot may have been lost with it.
  return note.bootId === bootId && bootId !== "" ? note.progress : "unknown";
}
