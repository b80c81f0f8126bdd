import { DraftError } from "../errors.ts";
import { type MeasuringOptions, meterFrom } from "../metrics/meter.ts";
import { type AppliedChanges, applyChanges } from "./apply-changes.ts";
import type { Edit } from "./edit.ts";
import { FileStates } from "./file-states.ts";
import { absolutePathOf } from "./overlay-path.ts";
import type { EngineOverlay } from "./overlay-port.ts";
import { encodeText } from "./text-encoding.ts";

/** How to run a transaction. */
export interface TransactionOptions extends MeasuringOptions {
  /** How often to start over when another transaction changed what this one read; default 0. */
  readonly retries?: number;
}

/** What a transaction did, beside the value of its function. */
export interface TransactionResult<T> extends AppliedChanges {
  readonly value: T;
  readonly operations: number;
  readonly reads: number;
  /** Runs of the function: one more than it was started over. */
  readonly attempts: number;
}

/**
 * Files as a transaction sees them: the overlay's, and over them its own changes, which nobody
 * else sees before it ends.
 */
export class Transaction {
  readonly #overlay: EngineOverlay;
  readonly #states: FileStates;
  #isOpen = true;

  constructor(overlay: EngineOverlay, states: FileStates) {
    this.#overlay = overlay;
    this.#states = states;
  }

  /** The content of a file, `undefined` when there is none. */
  read(path: string): Buffer | undefined {
    const bytes = this.#open().read(path);
    // The caller may do with it what it likes; what was read is still to be compared.
    return bytes === undefined ? undefined : Buffer.from(bytes);
  }

  /**
   * Writes a whole file, making its parents when the transaction ends.
   *
   * @throws {DraftError} `DRAFT_EDIT_FAILED` for a string with half a surrogate pair.
   */
  write(path: string, content: string | Uint8Array): void {
    const isText = typeof content === "string";
    const bytes = isText ? encodeText(content, "utf-8") : new Uint8Array(content);
    this.#open().write(path, bytes);
  }

  /** Edits a file: all of the edits or none. */
  edit(path: string, ...edits: readonly Edit[]): void {
    this.#open().edit(path, edits);
  }

  /** Deletes a file, or a link itself. */
  remove(path: string): void {
    this.#open().remove(path);
  }

  /**
   * Moves a file; its permission bits go with it.
   *
   * @throws {DraftError} `DRAFT_TRANSACTION` when there is no such file; directories are moved with
   *   `batch` or the overlay's own `fs`.
   */
  move(path: string, target: string): void {
    const states = this.#open();
    const content = states.read(path);
    if (content === undefined) {
      const message = `Cannot move ${path}: there is no such file.`;
      throw new DraftError("DRAFT_TRANSACTION", message, { path });
    }
    const mode = states.modeOf(path);
    states.remove(path);
    states.write(target, content, mode);
  }

  /** Ends it: further calls are a mistake of the caller. */
  close(): void {
    this.#isOpen = false;
  }

  #open(): FileStates {
    if (this.#isOpen) return this.#states;
    throw new DraftError(
      "DRAFT_TRANSACTION",
      `The transaction over ${absolutePathOf(this.#overlay, ".")} has ended. Await everything ` +
        "inside of its function.",
    );
  }
}

/**
 * Runs `work` as one transaction: its changes appear together when it returns, and not at all when
 * it throws. Transactions over one overlay may run at the same time: each sees the overlay as it
 * was and its own changes, and none waits for another, so that there is no deadlock. One whose
 * reads were changed meanwhile by another is started over or refused.
 *
 * @throws {DraftError} `DRAFT_CONFLICT` when what it read has changed and no retry is left; what
 *   `work` throws.
 */
export async function transaction<T>(
  overlay: EngineOverlay,
  work: (transaction: Transaction) => T | Promise<T>,
  options: TransactionOptions = {},
): Promise<TransactionResult<T>> {
  const done = await meterFrom(options).measure(
    { name: "transaction", sizeBytes: 0 },
    () => carryOut(overlay, work, options.retries ?? 0),
    ({ result, plainCalls }) => ({
      io: { ...result, moves: 0 },
      optimization: "coalesce",
      baselineCalls: plainCalls,
      sizeBytes: result.bytesWritten,
    }),
  );
  return done.result;
}

async function carryOut<T>(
  overlay: EngineOverlay,
  work: (transaction: Transaction) => T | Promise<T>,
  retries: number,
): Promise<{ readonly result: TransactionResult<T>; readonly plainCalls: number }> {
  for (let attempts = 1; ; attempts++) {
    const states = new FileStates(overlay);
    const open = new Transaction(overlay, states);
    let value: T;
    try {
      value = await work(open);
    } finally {
      open.close();
    }
    const stale = states.stalePaths();
    if (stale.length > 0) {
      if (attempts <= retries) continue;
      throw conflict(stale);
    }
    const applied = applyChanges(overlay, states.changes());
    const { operations, reads, plainCalls } = states;
    return { result: { value, ...applied, operations, reads, attempts }, plainCalls };
  }
}

function conflict(paths: readonly string[]): DraftError {
  return new DraftError(
    "DRAFT_CONFLICT",
    `The transaction was not applied: ${paths.join(", ")} changed after it was read. Run it again.`,
    { ...(paths[0] === undefined ? {} : { path: paths[0] }), details: { paths } },
  );
}
