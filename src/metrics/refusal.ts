import { type DraftErrorCode, isDraftError } from "../errors.ts";
import type { OperationReport } from "./meter.ts";

/** What is said to whoever asks for what cannot be done, or not now: the system is in order. */
const refusals: ReadonlySet<DraftErrorCode> = new Set([
  "DRAFT_STATE_UNTRUSTED",
  "DRAFT_LOCKED",
  "DRAFT_DRAFT_NAME",
  "DRAFT_CONFIG",
  "DRAFT_NOTHING_PENDING",
  "DRAFT_CONFLICT",
  "DRAFT_PLAN_STALE",
  "DRAFT_PLAN_INVALID",
  "DRAFT_UNSUPPORTED",
  "DRAFT_CHECK_FAILED",
  "DRAFT_ABORTED",
  "DRAFT_TRANSACTION",
  "DRAFT_CLOSED",
  "DRAFT_CHECKPOINT_MISSING",
  "DRAFT_ISOLATION",
  "DRAFT_EDIT_FAILED",
  "DRAFT_TEMPLATE",
  "DRAFT_TOOL_INPUT",
]);

/**
 * Whether an operation was refused before it had done anything, which is no error of the system:
 * the place was taken, the disk had moved on, the caller stopped it or gave what cannot be done.
 *
 * @param report what it had done.
 */
export function isRefusal(error: unknown, { io, safety }: OperationReport): boolean {
  if (!isDraftError(error) || !refusals.has(error.code)) return false;
  // What was written reads back as something else: damage, by the code of a check.
  if (error.details["level"] === "critical_failure") return false;
  // A checkpoint that nobody has made is asked for in vain; one that has lost an object is not.
  if (error.code === "DRAFT_CHECKPOINT_MISSING" && "oid" in error.details) return false;
  const isUntouched = io.writes + io.deletes + io.moves === 0;
  return isUntouched && safety?.rollback === undefined && safety?.integrity !== "damaged";
}
