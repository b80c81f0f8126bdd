import { checkFunction, checkOptions } from "../../check-options.ts";
import { DraftError } from "../../errors.ts";
import { type MeasuringOptions, meterFrom, type OperationReport } from "../../metrics/meter.ts";
import type { AppliedChanges } from "../apply-changes.ts";
import { checkEdits, checkOverlay, checkPath, contentBytesOf } from "../check-input.ts";
import type { Edit } from "../coalesce/edit.ts";
import { FileStates } from "../file-states.ts";
import { type Operation, sizeOf } from "../operation.ts";
import type { DecisionRecord } from "../optimizer/write-pipeline.ts";
import { type OptimizerSettings, settingsFor } from "../optimizer-settings.ts";
import { transactionNames } from "../option-names.ts";
import { absolutePathOf } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { plainCallsOf } from "../run-plain.ts";
import type { TemplateCache } from "../template/template-cache.ts";
import {
  type Gathered,
  type Settled,
  type SettleOptions,
  settleTransaction,
} from "./settle-transaction.ts";

/** How to run a transaction. */
export interface TransactionOptions extends MeasuringOptions {
  /** How often to start over when another transaction changed what this one read; default 0. */
  readonly retries?: number;
  /** What opportunities are detected by; what is left out is as the overlay has it. */
  readonly settings?: Partial<OptimizerSettings>;
  /** Where templates that are found go; without it none are looked for. */
  readonly templates?: TemplateCache;
  /** Stops it before it is applied, or between two groups of files; nothing is changed then. */
  readonly signal?: AbortSignal;
  /** Called after every group of files that was applied, with the files so far. */
  readonly onProgress?: (files: number) => void;
  /** Told at once when an engine failed and the standard path is tried; the result has it, too. */
  readonly onFallback?: (error: Error) => void;
}

/** What a transaction did, beside the value of its function. */
export interface TransactionResult<T> extends AppliedChanges {
  readonly value: T;
  readonly operations: number;
  readonly reads: number;
  readonly moves: number;
  /** Runs of the function: one more than it was started over. */
  readonly attempts: number;
  /** What was detected among its operations, and what that saved; see `explain`. */
  readonly decisions: readonly DecisionRecord[];
  /** Why the standard path was taken in place of the engines; `undefined` when it was not. */
  readonly fallback: Error | undefined;
}

/**
 * Files as a transaction sees them: its own changes, which nobody else sees before it ends, over
 * the overlay's. A file is read when it is first asked for, and stays as it was then.
 */
export class Transaction {
  readonly #overlay: EngineOverlay;
  readonly #states: FileStates;
  readonly #operations: Operation[] = [];
  #reads = 0;
  #isOpen = true;

  constructor(overlay: EngineOverlay, states: FileStates) {
    this.#overlay = overlay;
    this.#states = states;
  }

  /** The content of a file, `undefined` when there is none. */
  read(path: string): Buffer | undefined {
    checkPath("read", path);
    const bytes = this.#open().read(path);
    this.#reads += 1;
    // The caller may do with it what it likes; what was read is still to be compared.
    return bytes === undefined ? undefined : Buffer.from(bytes);
  }

  /**
   * Writes a whole file, making its parents when the transaction ends.
   *
   * @throws {DraftError} `DRAFT_EDIT_FAILED` for a string with half a surrogate pair.
   */
  write(path: string, content: string | Uint8Array): void {
    const bytes = contentBytesOf(path, content);
    checkPath("write", path);
    this.#open().write(path, bytes);
    this.#operations.push({ kind: "write", path, bytes });
  }

  /** Edits a file: all of the edits or none. */
  edit(path: string, ...edits: readonly Edit[]): void {
    checkEdits(path, edits);
    this.#open().edit(path, edits);
    this.#operations.push({ kind: "edit", path, edits });
  }

  /** Deletes a file, or a link itself. */
  remove(path: string): void {
    checkPath("remove", path);
    this.#open().remove(path);
    this.#operations.push({ kind: "delete", path });
  }

  /**
   * Moves a file, with its mode, owner and times, over what lies at the target.
   *
   * @throws {DraftError} `DRAFT_TRANSACTION` when there is no such file; directories and links are
   *   moved with `batch` or the overlay's own `fs`.
   */
  move(path: string, target: string): void {
    for (const one of [path, target]) checkPath("move", one);
    const states = this.#open();
    if (states.isLink(path)) throw refusedMove(path, "it is a symbolic link");
    const content = states.read(path);
    if (content === undefined) throw refusedMove(path, "there is no such file");
    if (states.placeOf(path) === states.placeOf(target)) return;
    const isTaken = states.isLink(target) || states.read(target) !== undefined;
    if (isTaken) states.remove(target);
    states.remove(path);
    states.write(target, content);
    this.#operations.push({ kind: "move", path, target });
  }

  /** What it has gathered, for {@link transaction}. @internal */
  gathered(): Gathered {
    const operations = this.#operations;
    const plainCalls = operations.reduce((sum, one) => sum + plainCallsOf(one), this.#reads);
    return { states: this.#states, operations, plainCalls };
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
 * it throws. Transactions over one overlay may run at the same time: each sees its own changes, and
 * none waits for another, so that there is no deadlock. One whose reads were changed meanwhile is
 * started over or refused.
 *
 * Opportunities are detected among its operations, as in a `WritePipeline`: all of them wait until
 * it ends.
 *
 * @throws {DraftError} `DRAFT_CONFLICT` when what it read has changed and no retry is left;
 *   `DRAFT_ABORTED` on the signal; what `work` throws.
 */
export async function transaction<T>(
  overlay: EngineOverlay,
  work: (transaction: Transaction) => T | Promise<T>,
  options: TransactionOptions = {},
): Promise<TransactionResult<T>> {
  checkOverlay("transaction", overlay);
  checkFunction("transaction", work, "is given the transaction");
  checkOptions("transaction", options, transactionNames);
  const settings = settingsFor(overlay, options.settings);
  const done = await meterFrom(options).measure(
    { name: "transaction", sizeBytes: 0 },
    () => carryOut(overlay, work, { ...options, settings }),
    ({ settled, gathered }) => reportOf(settled, gathered, settings),
  );
  const { value, attempts, settled, gathered } = done;
  const { reads, writes, deletes, moves, bytesWritten } = settled.io;
  const { decisions, fallback } = settled;
  const operations = gathered.operations.length;
  return {
    ...{ value, operations, reads, writes, deletes, moves, bytesWritten },
    ...{ attempts, decisions, fallback },
  };
}

interface CarriedOut<T> {
  readonly value: T;
  readonly attempts: number;
  readonly settled: Settled;
  readonly gathered: Gathered;
}

async function carryOut<T>(
  overlay: EngineOverlay,
  work: (transaction: Transaction) => T | Promise<T>,
  options: TransactionOptions & SettleOptions,
): Promise<CarriedOut<T>> {
  const retries = options.retries ?? 0;
  for (let attempts = 1; ; attempts++) {
    stopIfAborted(options.signal);
    const states = new FileStates(overlay);
    const open = new Transaction(overlay, states);
    let value: T;
    try {
      value = await work(open);
    } finally {
      open.close();
    }
    stopIfAborted(options.signal);
    const stale = states.stalePaths();
    if (stale.length > 0) {
      if (attempts <= retries) continue;
      throw conflict(stale);
    }
    const gathered = open.gathered();
    const settled = settleTransaction(overlay, gathered, options);
    return { value, attempts, settled, gathered };
  }
}

function reportOf(
  { io, fallback }: Settled,
  { plainCalls, operations }: Gathered,
  { enabled, profile }: OptimizerSettings,
): OperationReport {
  const isTogether = enabled && profile.batches && profile.coalescing;
  const isOptimized = isTogether && fallback === undefined;
  return {
    io,
    optimization: isOptimized ? "coalesce" : "none",
    baselineCalls: plainCalls,
    sizeBytes: operations.reduce((sum, operation) => sum + sizeOf(operation), 0),
    outcome: fallback === undefined ? "done" : "fell_back",
  };
}

function refusedMove(path: string, reason: string): DraftError {
  return new DraftError(
    "DRAFT_TRANSACTION",
    `Cannot move ${path} in a transaction: ${reason}. Directories and links are moved by a batch.`,
    { path },
  );
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new DraftError("DRAFT_ABORTED", "The transaction was stopped; nothing was changed.", {
    cause: signal.reason,
  });
}

function conflict(paths: readonly string[]): DraftError {
  return new DraftError(
    "DRAFT_CONFLICT",
    `The transaction was not applied: ${paths.join(", ")} changed after it was read. Run it again.`,
    { ...(paths[0] === undefined ? {} : { path: paths[0] }), details: { paths } },
  );
}
