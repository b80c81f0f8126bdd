import { isDraftError } from "../errors.ts";
import { type MeasuringOptions, meterFrom } from "../metrics/meter.ts";
import { type BatchOptions, runBatch } from "./batch/run-batch.ts";
import type { BatchResult } from "./batch-result.ts";
import { type Operation, sizeOf } from "./operation.ts";
import { type ExplicitSettings, isOptimizing, profileFor } from "./optimizer-settings.ts";
import type { EngineOverlay } from "./overlay-port.ts";
import { plainCallsOf } from "./run-plain.ts";

/** How to run an explicit batch. */
export interface ExplicitBatchOptions extends BatchOptions, MeasuringOptions {
  /** Without `enabled` the standard path is taken. By default the overlay's. */
  readonly settings?: ExplicitSettings;
  /** Told at once when the engine failed and the standard path is tried; the result has it, too. */
  readonly onFallback?: (error: Error) => void;
}

/** What an explicit batch did. */
export type ExplicitBatchResult = BatchResult & {
  /**
   * Why the standard path was taken in place of the engine, or a group of files was done file by
   * file; `undefined` when neither was.
   */
  readonly fallback: Error | undefined;
};

/**
 * Runs operations as a batch; where the engine fails, once on the standard path: each operation by
 * itself, in order, with the same promise of all or none. An edit that does not fit its file is no
 * failure of the engine. The profile of an agent says what is not asked for: whether operations
 * are put together, whether it is all or none, and whether what a failing one has done stays.
 *
 * @throws {DraftError} `DRAFT_ABORTED`, `DRAFT_TOOL_INPUT`; nothing was changed then.
 */
export function runBatchOrPlain(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  given: ExplicitBatchOptions = {},
): ExplicitBatchResult {
  const profile = profileFor(overlay, given.settings);
  const { atomic = profile.atomicity, keepDone = !profile.rollback } = given;
  const options = { ...given, atomic, keepDone: atomic && keepDone };
  const isTogether = profile.batches && profile.coalescing && !options.keepDone;
  const isOn = isTogether && isOptimizing(overlay, options.settings);
  const sizeBytes = operations.reduce((sum, operation) => sum + sizeOf(operation), 0);
  return meterFrom(options).measure(
    { name: "batch", sizeBytes },
    () => {
      if (isOn) return attempt(overlay, operations, options);
      const plain = runBatch(overlay, operations, { ...options, oneByOne: true });
      return { ...plain, fallback: undefined };
    },
    (result) => ({
      io: result,
      optimization: isOn && result.fallback === undefined ? "batch" : "none",
      baselineCalls: baselineOf(operations, result),
      outcome: outcomeOf(result),
      ...(result.outcome === "rolled_back" ? { safety: { rollback: "done" } } : {}),
    }),
  );
}

function attempt(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  options: ExplicitBatchOptions,
): ExplicitBatchResult {
  let result: BatchResult | undefined;
  let error: unknown;
  try {
    result = runBatch(overlay, operations, options);
    if (result.outcome !== "rolled_back") {
      const { groupError } = result;
      if (groupError !== undefined) options.onFallback?.(groupError);
      return { ...result, fallback: groupError };
    }
    error = result.error;
  } catch (thrown) {
    error = thrown;
  }
  const fallback = error instanceof Error ? error : new Error(String(error));
  if (isFinal(fallback)) {
    if (result === undefined) throw fallback;
    return { ...result, fallback: undefined };
  }
  options.onFallback?.(fallback);
  const plain = runBatch(overlay, operations, { ...options, oneByOne: true });
  return { ...plain, fallback };
}

/** Whether the standard path would say the same: it was stopped, or an edit does not fit. */
export function isFinal(error: Error): boolean {
  const codes = ["DRAFT_ABORTED", "DRAFT_EDIT_FAILED", "DRAFT_TOOL_INPUT"];
  return isDraftError(error) && codes.includes(error.code);
}

/** Calls that plain code would have made for what was done in the end. */
function baselineOf(operations: readonly Operation[], result: BatchResult): number {
  if (result.outcome === "rolled_back") return 0;
  const failed = new Set("failed" in result ? result.failed.map(({ index }) => index) : []);
  const stoppedAt = result.outcome === "stopped" ? Math.min(...failed) : operations.length;
  return operations.reduce((sum, operation, index) => {
    const isDone = index < stoppedAt && !failed.has(index);
    return sum + (isDone ? plainCallsOf(operation) : 0);
  }, 0);
}

function outcomeOf(result: ExplicitBatchResult): "done" | "failed" | "fell_back" {
  if (result.outcome === "rolled_back" || result.outcome === "stopped") return "failed";
  return result.fallback === undefined ? "done" : "fell_back";
}
