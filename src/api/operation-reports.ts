import type { CommitReceipt } from "../commit/receipt.ts";
import { isDraftError } from "../errors.ts";
import { callsOf, type SafetyFacts } from "../metrics/measurement.ts";
import { nothingDone, type OperationReport } from "../metrics/meter.ts";
import { isRefusal } from "../metrics/refusal.ts";

/** The report of a commit, or of anything that changes the tree as one. */
export function reportOfReceipt(
  { counts, changes }: CommitReceipt,
  safety: SafetyFacts = {},
): OperationReport {
  const count = (kind: "delete" | "rename") => changes.filter((one) => one.kind === kind).length;
  const io = {
    reads: 0,
    writes: counts.filesWritten,
    deletes: count("delete"),
    moves: count("rename"),
    bytesWritten: counts.bytesWritten,
  };
  // What it saves are waits for the device, which are no calls of this kind.
  const baselineCalls = callsOf(io);
  return { io, optimization: "none", baselineCalls, sizeBytes: counts.bytesWritten, safety };
}

/** The report of an operation that changes no file itself. */
export function reportOfCheck(safety: SafetyFacts = {}): OperationReport {
  return { ...nothingDone, safety };
}

/**
 * The report of an operation that failed. What had nothing to do, and what its caller stopped, was
 * none; one that was refused has not failed to do what it was to do.
 *
 * @param safety what it was to do, where the error does not say it better.
 */
export function reportOfFailure(
  error: unknown,
  safety: SafetyFacts = {},
): OperationReport | undefined {
  if (!isDraftError(error)) return { ...nothingDone, safety };
  if (damageIn(error) !== undefined) {
    return { ...nothingDone, safety: { ...safety, integrity: "damaged" } };
  }
  switch (error.code) {
    case "DRAFT_NOTHING_PENDING":
    case "DRAFT_ABORTED":
      return undefined;
    case "DRAFT_COMMIT_FAILED":
      return { ...nothingDone, safety: { rollback: "done" } };
    case "DRAFT_OUTCOME_UNKNOWN":
    case "DRAFT_RECOVERY_FAILED":
      return { ...nothingDone, safety: { rollback: "failed" } };
    default:
      return isRefusal(error, nothingDone) ? nothingDone : { ...nothingDone, safety };
  }
}

/** What an error tells of content that is not what it has to be, which no crash leaves behind. */
export function damageIn(error: unknown): string | undefined {
  if (!isDraftError(error)) return undefined;
  const isStore = error.code === "DRAFT_STORE_CORRUPT" || error.code === "DRAFT_FORMAT_CORRUPT";
  return isStore || error.details["level"] === "critical_failure" ? error.message : undefined;
}
