import { setImmediate as turn } from "node:timers/promises";
import { DraftError } from "../errors.ts";
import { batchFilesMax } from "../limits.ts";
import type { CommitProgress } from "./receipt.ts";

/**
 * Keeps a long operation polite: after each batch of steps it reports progress, looks at the abort
 * signal and lets the event loop run. The steps themselves are synchronous, because the promise
 * forms of small file operations cost several times the system call.
 */
export class Pace {
  readonly #onProgress: ((progress: CommitProgress) => void) | undefined;
  readonly #signal: AbortSignal | undefined;

  constructor(
    onProgress: ((progress: CommitProgress) => void) | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.#onProgress = onProgress;
    this.#signal = signal;
  }

  /** Runs `step` over the items in order, in batches of 50 (`max_batch_size`). */
  async each<Item>(
    phase: CommitProgress["phase"],
    items: readonly Item[],
    step: (item: Item, index: number) => void,
  ): Promise<void> {
    for (let start = 0; start < items.length; start += batchFilesMax) {
      const end = Math.min(start + batchFilesMax, items.length);
      for (let index = start; index < end; index++) step(items[index] as Item, index);
      this.#onProgress?.({ phase, done: end, total: items.length });
      if (end < items.length) await turn();
      this.check();
    }
  }

  /** @throws {DraftError} `DRAFT_ABORTED` when the caller has given up. */
  check(): void {
    if (this.#signal?.aborted !== true) return;
    throw new DraftError(
      "DRAFT_ABORTED",
      "The commit was stopped by its caller before anything was changed. Commit again when ready.",
      { cause: this.#signal.reason },
    );
  }

  /** The same pace for what must not be stopped any more. */
  unstoppable(): Pace {
    return new Pace(this.#onProgress, undefined);
  }
}
