import os from "node:os";
import { getSystemErrorMap } from "node:util";

/**
 * A failed operation inside the overlay, before it is known under which call and path the caller
 * asked for it. Not an `Error`: it carries no stack and costs nothing to throw; the façade turns it
 * into Node's own error.
 */
export class Fault {
  readonly code: string;
  /** Replaces the system's text where a refusal of ours needs to say why. */
  readonly reason: string | undefined;
  /** The call that failed where it is not the one that was asked for. */
  readonly syscall: string | undefined;
  readonly path: string | undefined;
  /** When to try again, where the operation has changed nothing and will succeed later. */
  readonly until: Promise<void> | undefined;

  constructor(
    code: string,
    details: { reason?: string; syscall?: string; path?: string; until?: Promise<void> } = {},
  ) {
    this.code = code;
    this.reason = details.reason;
    this.syscall = details.syscall;
    this.path = details.path;
    this.until = details.until;
  }
}

const messages = new Map<string, { readonly errno: number; readonly text: string }>();
for (const [errno, [code, text]] of getSystemErrorMap()) messages.set(code, { errno, text });
const errnos = os.constants.errno as Readonly<Record<string, number>>;

/** Errors that name their call already: they pass through the calls around it unchanged. */
const finished = new WeakSet<Error>();

/** When to try again what has failed with an error: {@link Fault.until}. */
const retries = new WeakMap<Error, Promise<void>>();

/** What a failing call was about, as the caller named it. */
export interface CallContext {
  readonly syscall: string;
  readonly path?: string | undefined;
  readonly dest?: string | undefined;
}

/** The error that Node raises for a failed system call: same properties in the same order. */
export function fileSystemError(
  code: string,
  context: CallContext,
  reason?: string,
): NodeJS.ErrnoException {
  const known = messages.get(code);
  const text = reason ?? known?.text ?? "unknown error";
  let message = `${code}: ${text}, ${context.syscall}`;
  if (context.path !== undefined) message += ` '${context.path}'`;
  if (context.dest !== undefined) message += ` -> '${context.dest}'`;
  const error = new Error(message) as NodeJS.ErrnoException & { dest?: string };
  error.errno = known?.errno ?? -(errnos[code] ?? 1);
  error.code = code;
  error.syscall = context.syscall;
  if (context.path !== undefined) error.path = context.path;
  if (context.dest !== undefined) error.dest = context.dest;
  finished.add(error);
  return error;
}

/**
 * What to throw for something caught inside an operation: faults and errors of the lower become
 * Node's error for this call; everything else (wrong arguments, our bugs) passes unchanged.
 */
export function errorOfCall(caught: unknown, context: CallContext): unknown {
  if (caught instanceof Fault) {
    const syscall = caught.syscall ?? context.syscall;
    const path = caught.path ?? context.path;
    const error = fileSystemError(caught.code, { ...context, syscall, path }, caught.reason);
    if (caught.until !== undefined) retries.set(error, caught.until);
    return error;
  }
  if (isSystemError(caught) && !finished.has(caught)) return fileSystemError(caught.code, context);
  return caught;
}

/** When a call that has failed is to be tried again, if at all: callers who can wait do. */
export function retryAfter(error: unknown): Promise<void> | undefined {
  return error instanceof Error ? retries.get(error) : undefined;
}

/** Whether something thrown is an error of a system call. */
export function isSystemError(caught: unknown): caught is NodeJS.ErrnoException & { code: string } {
  return (
    caught instanceof Error &&
    "code" in caught &&
    typeof caught.code === "string" &&
    messages.has(caught.code)
  );
}

/** The code of a fault or a system error, `undefined` of anything else. */
export function codeOf(caught: unknown): string | undefined {
  if (caught instanceof Fault) return caught.code;
  return isSystemError(caught) ? caught.code : undefined;
}
