import { isJournalStuck } from "../../commit/recover/stuck-journal.ts";
import type { Disk } from "../../disk/disk.ts";
import type { StateDirectory } from "../../disk/state/state-directory.ts";
import { journalStuckMs } from "../../limits.ts";
import { signatureOf } from "./signature.ts";

/** Looks at a journal again and again, and reads it only when it may have become stuck. */
export class JournalLook {
  readonly #disk: Disk;
  readonly #state: StateDirectory;
  readonly #paths: readonly string[];
  #signature: string | undefined;
  /** When it counts as stuck unless it is whole; it is read once more then. */
  #dueMs = 0;
  #isStuck = false;

  constructor(disk: Disk, state: StateDirectory) {
    this.#disk = disk;
    this.#state = state;
    const { journal, journalCurrent, journalSlots, journalProgress } = state;
    this.#paths = [journal, journalCurrent, journalSlots, journalProgress];
  }

  isStuck(nowMs: number): boolean {
    const signature = signatureOf(this.#disk, this.#paths);
    const isChanged = signature !== this.#signature;
    if (isChanged || nowMs > this.#dueMs) {
      this.#isStuck = isJournalStuck(this.#disk, this.#state, nowMs);
      this.#dueMs = isChanged ? nowMs + journalStuckMs : Number.POSITIVE_INFINITY;
      this.#signature = signature;
    }
    return this.#isStuck;
  }
}
