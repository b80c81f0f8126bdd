import type { DraftError, DraftErrorCode } from "../errors.ts";

/** The exit codes of the command line; `docs/cli.md` explains them. */
export const exitCodes = {
  /** Done; `status`, `diff`, `plan`: nothing is pending; `compare`, `drift`: no difference. */
  ok: 0,
  /** An operation failed: the disk refused, a check found damage. */
  failed: 1,
  /** `status`, `diff`, `plan`: changes are pending; `compare`, `drift`: there are differences. */
  pending: 2,
  /** The disk has moved on: nothing was written. */
  conflict: 3,
  /** This system cannot isolate commands as well as was asked for: nothing was run. */
  isolation: 4,
  /** Another process holds the draft or is committing. */
  locked: 5,
  /** The state directory or a draft is damaged, or of a newer version. */
  state: 6,
  /** Wrong arguments, or a directory that cannot be a root (EX_USAGE). */
  usage: 64,
  /** A mistake of ours (EX_SOFTWARE). */
  bug: 70,
  /** The command exists but cannot be executed. */
  notExecutable: 126,
  /** The command does not exist. */
  notFound: 127,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

const codesByError: Partial<Record<DraftErrorCode, number>> = {
  DRAFT_ROOT_MISSING: exitCodes.usage,
  DRAFT_ROOT_NOT_DIRECTORY: exitCodes.usage,
  DRAFT_ROOT_UNREADABLE: exitCodes.usage,
  DRAFT_ROOT_GUARDED: exitCodes.usage,
  DRAFT_ROOT_NESTED: exitCodes.usage,
  DRAFT_DRAFT_NAME: exitCodes.usage,
  DRAFT_CONFIG: exitCodes.usage,
  DRAFT_PLAN_INVALID: exitCodes.usage,
  DRAFT_TOOL_INPUT: exitCodes.usage,
  DRAFT_CHECKPOINT_MISSING: exitCodes.usage,
  DRAFT_CONFLICT: exitCodes.conflict,
  DRAFT_PLAN_STALE: exitCodes.conflict,
  DRAFT_ISOLATION: exitCodes.isolation,
  DRAFT_LOCKED: exitCodes.locked,
  DRAFT_FORMAT_NEWER: exitCodes.state,
  DRAFT_FORMAT_CORRUPT: exitCodes.state,
  DRAFT_STORE_CORRUPT: exitCodes.state,
  DRAFT_RECOVERY_FAILED: exitCodes.state,
  DRAFT_ABORTED: exitCodes.interrupted,
  DRAFT_BUG: exitCodes.bug,
};

/** The exit code for an error of draftfs. */
export function exitCodeOf({ code, details }: DraftError): number {
  // The store lacks an object that it refers to: nobody has named a checkpoint that is none.
  if (code === "DRAFT_CHECKPOINT_MISSING" && "oid" in details) return exitCodes.state;
  return codesByError[code] ?? exitCodes.failed;
}
