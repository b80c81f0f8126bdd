import { DraftError } from "../../errors.ts";
import type { FileContent } from "../content/file-content.ts";

interface Step {
  readonly run: () => void;
  readonly content: FileContent | undefined;
}

/** A point that the overlay can be put back to. Ended by `rollback`, `release` or a commit. */
export interface Savepoint {
  readonly id: number;
}

/**
 * What must be done to return to an earlier state, newest last. Nothing is recorded while no
 * savepoint is open, so that work without savepoints costs nothing.
 */
export class UndoLog {
  #open: { readonly savepoint: Savepoint; readonly length: number }[] = [];
  #steps: Step[] = [];
  #lastId = 0;
  /** Identifies the span between two savepoint calls; 0 while nothing need be recorded. */
  span = 0;

  /** Opens a savepoint. O(1). */
  savepoint(): Savepoint {
    const savepoint: Savepoint = { id: ++this.#lastId };
    this.#open.push({ savepoint, length: this.#steps.length });
    this.span = this.#lastId;
    return savepoint;
  }

  /**
   * Records how to take one change back; call it before the change.
   * @param content the bytes that are kept for it.
   */
  record(run: () => void, content?: FileContent): void {
    if (this.span !== 0) this.#steps.push({ run, content });
  }

  /** All bytes that are kept to be put back. */
  *contents(): Generator<FileContent> {
    for (const { content } of this.#steps) if (content !== undefined) yield content;
  }

  /**
   * Takes back everything since `savepoint`, and ends it and those opened after it.
   *
   * @throws {DraftError} `DRAFT_TRANSACTION` when it has ended already.
   */
  rollback(savepoint: Savepoint): void {
    const index = this.#indexOf(savepoint, "roll back to");
    const length = this.#open[index]?.length ?? 0;
    for (let at = this.#steps.length - 1; at >= length; at--) this.#steps[at]?.run();
    this.#steps.length = length;
    this.#end(index);
  }

  /**
   * Ends `savepoint`, and those opened after it, and keeps what was changed.
   *
   * @throws {DraftError} `DRAFT_TRANSACTION` when it has ended already.
   */
  release(savepoint: Savepoint): void {
    this.#end(this.#indexOf(savepoint, "release"));
  }

  /** Ends all savepoints: what happened cannot be taken back any more. */
  clear(): void {
    this.#end(0);
  }

  #end(index: number): void {
    this.#open.length = index;
    if (index === 0) {
      this.#steps = [];
      this.span = 0;
    } else {
      // A new span, so that a state saved inside the one that ended is not taken for an older one.
      this.span = ++this.#lastId;
    }
  }

  #indexOf(savepoint: Savepoint, action: string): number {
    const index = this.#open.findIndex((open) => open.savepoint === savepoint);
    if (index >= 0) return index;
    throw new DraftError(
      "DRAFT_TRANSACTION",
      `Cannot ${action} this savepoint: it has ended, by a rollback, a release, a commit, or the ` +
        "end of a savepoint around it. Take a new one.",
    );
  }
}
