/**
 * Every error that draftfs itself raises. Errors of the file-system façade (`overlay.fs`) are not
 * here: they are Node's own, to the letter.
 */

/** Literal codes, grouped by when they can happen. */
export const draftErrorCodes = [
  // Opening a root or its state directory.
  "DRAFT_ROOT_MISSING",
  "DRAFT_ROOT_NOT_DIRECTORY",
  "DRAFT_ROOT_UNREADABLE",
  "DRAFT_ROOT_GUARDED",
  "DRAFT_ROOT_NESTED",
  "DRAFT_FORMAT_NEWER",
  "DRAFT_FORMAT_CORRUPT",
  "DRAFT_STATE_UNUSABLE",
  "DRAFT_STATE_UNTRUSTED",
  "DRAFT_LOCKED",
  "DRAFT_DRAFT_NAME",
  "DRAFT_CONFIG",
  // Changing and committing.
  "DRAFT_NOTHING_PENDING",
  "DRAFT_CONFLICT",
  "DRAFT_PLAN_STALE",
  "DRAFT_PLAN_INVALID",
  "DRAFT_UNSUPPORTED",
  "DRAFT_CHECK_FAILED",
  "DRAFT_COMMIT_FAILED",
  "DRAFT_OUTCOME_UNKNOWN",
  "DRAFT_ABORTED",
  "DRAFT_TRANSACTION",
  "DRAFT_CLOSED",
  // Recovering and history.
  "DRAFT_RECOVERY_FAILED",
  "DRAFT_CHECKPOINT_MISSING",
  "DRAFT_STORE_CORRUPT",
  // Running commands.
  "DRAFT_ISOLATION",
  "DRAFT_SANDBOX_FAILED",
  // Engines and tools.
  "DRAFT_EDIT_FAILED",
  "DRAFT_TEMPLATE",
  "DRAFT_TOOL_INPUT",
  // A failed assertion: our bug, never the caller's.
  "DRAFT_BUG",
] as const;

export type DraftErrorCode = (typeof draftErrorCodes)[number];

export interface DraftErrorOptions {
  /** The file or directory the error is about. */
  readonly path?: string;
  readonly cause?: unknown;
  /** Structured facts for programs: conflicts, attempts, what is left to a person. */
  readonly details?: Readonly<Record<string, unknown>>;
}

const brand = Symbol.for("draftfs.error");

/**
 * An error of draftfs, with a literal `code` that programs can switch on.
 *
 * The message says what was attempted, on what, and what to do next.
 */
export class DraftError extends Error {
  override readonly name = "DraftError";
  readonly code: DraftErrorCode;
  readonly path: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: DraftErrorCode, message: string, options: DraftErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.path = options.path;
    this.details = options.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }

  /** Plain data for `--json` and for crossing processes; the cause is reduced to its message. */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      ...(this.path === undefined ? {} : { path: this.path }),
      ...(Object.keys(this.details).length === 0 ? {} : { details: this.details }),
      ...(this.cause instanceof Error ? { cause: this.cause.message } : {}),
    };
  }
}

/** Whether `value` is a {@link DraftError}, also one of another copy of this package. */
export function isDraftError(value: unknown): value is DraftError {
  return value instanceof Error && brand in value;
}

/** What went wrong in the words of whatever was thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/**
 * Asserts something that only a mistake of ours can break.
 *
 * @throws {DraftError} `DRAFT_BUG` when the condition does not hold.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new DraftError("DRAFT_BUG", `BUG: ${message}. Please report it.`);
}
