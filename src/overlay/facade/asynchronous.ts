import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { retryAfter } from "../file-system-error.ts";

/** Any function of the synchronous table. */
export type Call = (...values: never[]) => unknown;

/** A Node-style callback. */
export type Callback = (error: unknown, ...results: unknown[]) => void;

/**
 * The promise form of a synchronous call. The effect happens at once, so that calls take effect in
 * the order in which they were made; the result is delivered in a later turn of the event loop, so
 * that a loop of awaits cannot starve timers and other input.
 *
 * @param refuse throws what Node finds wrong with arguments that are wrong.
 */
export function promiseOf(
  call: Call,
  refuse?: (values: readonly unknown[]) => Promise<void>,
): (...values: unknown[]) => Promise<unknown> {
  return async (...values) =>
    deliver(() => call(...(values as never[])), refuse && (() => refuse(values)));
}

/**
 * The outcome of `run`, which happens at once, in a later turn of the event loop. While a commit is
 * being carried out, what changes something happens after that.
 */
export async function deliver<T>(run: () => T, refuse?: () => Promise<void>): Promise<T> {
  let outcome = outcomeOf(run);
  for (let later = retryOf(outcome); later !== undefined; later = retryOf(outcome)) {
    await later;
    outcome = outcomeOf(run);
  }
  await nextTurn();
  if (!("error" in outcome)) return outcome.value;
  if (isArgumentError(outcome.error)) await refuse?.();
  throw outcome.error;
}

interface CallbackForm {
  /** Number of arguments of the function, to tell a wrong callback from a missing one. */
  readonly arity?: number;
  /** Throws what Node finds wrong with arguments that end in no callback. */
  readonly refuse?: ((values: readonly unknown[]) => void) | undefined;
}

/**
 * The callback form of a synchronous call; wrong arguments are thrown, as in Node.
 *
 * @param form how the function is called.
 * @param results what the callback gets after `null`; by default what the call returned, if
 * anything.
 */
export function callbackOf(
  call: Call,
  { arity = 0, refuse }: CallbackForm = {},
  results: (value: unknown, values: readonly unknown[]) => unknown[] = (value) =>
    value === undefined ? [] : [value],
): (...values: unknown[]) => void {
  return (...values) => {
    const callback = takeCallback(values, arity, refuse);
    const run = (): unknown => call(...(values as never[]));
    const tell = (outcome: Outcome<unknown>): void => {
      if ("error" in outcome) tellNext(callback, outcome.error);
      else tellNext(callback, null, ...results(outcome.value, values));
    };
    const outcome = outcomeOf(run);
    if ("error" in outcome && isThrown(outcome.error)) {
      // Of several mistakes, Node says which it tells.
      refuse?.([...values, named(callback)]);
      throw outcome.error;
    }
    const later = retryOf(outcome);
    if (later === undefined) tell(outcome);
    else void later.then(() => tellLater(run, tell));
  };
}

/** What does nothing, and is told in errors like a callback that came where it does not belong. */
function named(callback: Callback): () => void {
  return Object.defineProperty(() => {}, "name", { value: callback.name });
}

/** Whether arguments were wrong, or of a kind that Node looks into without a check. */
function isThrown(error: unknown): boolean {
  return isArgumentError(error) || (error instanceof TypeError && !("code" in error));
}

function tellLater(run: () => unknown, tell: (outcome: Outcome<unknown>) => void): void {
  const outcome = outcomeOf(run);
  const later = retryOf(outcome);
  if (later === undefined) tell(outcome);
  else void later.then(() => tellLater(run, tell));
}

/** Calls back in the next turn of the event loop, without a `this`. */
export function tellNext(callback: Callback, ...results: [error: unknown, ...unknown[]]): void {
  setImmediate(() => callback(...results));
}

/**
 * Takes the callback off the end of the arguments. What follows the last argument that the function
 * has is not looked at, and one that was left out behind the callback is no other callback.
 *
 * @throws `ERR_INVALID_ARG_TYPE` as Node.
 */
export function takeCallback(
  values: unknown[],
  arity = 0,
  refuse?: CallbackForm["refuse"],
): Callback {
  if (arity > 0 && values.length > arity) values.length = arity;
  const isMissing = values.length < arity;
  let last = values.pop();
  while (!last && typeof values.at(-1) === "function") last = values.pop();
  if (typeof last !== "function") refuse?.([...values, last]);
  return requireCallback(isMissing && typeof last !== "function" ? undefined : last);
}

/** @throws `ERR_INVALID_ARG_TYPE` as Node, when it is no function. */
export function requireCallback(value: unknown): Callback {
  if (typeof value === "function") return value as Callback;
  checkArguments((nowhere) => real.access(nowhere, undefined, value as () => void));
  throw new TypeError('The "cb" argument must be of type function');
}

/** Whether an error says that the arguments were wrong, rather than that the operation failed. */
export function isArgumentError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string" || !code.startsWith("ERR_")) return false;
  if (ofContent.has(code)) return false;
  return !code.startsWith("ERR_FS_") || code === "ERR_FS_INVALID_SYMLINK_TYPE";
}

/** What content fails with that is to be made text: found out when it was read. */
const ofContent: ReadonlySet<string> = new Set(["ERR_STRING_TOO_LONG", "ERR_UNKNOWN_ENCODING"]);

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

function retryOf(outcome: Outcome<unknown>): Promise<void> | undefined {
  return "error" in outcome ? retryAfter(outcome.error) : undefined;
}

function outcomeOf<T>(run: () => T): Outcome<T> {
  try {
    return { value: run() };
  } catch (error) {
    return { error };
  }
}

/** @throws `ABORT_ERR`, made by Node, when the signal is aborted; wrong signals as Node. */
export async function throwIfAborted(signal: unknown): Promise<void> {
  if (signal === undefined) return;
  const isFine = signal instanceof AbortSignal && !signal.aborted;
  if (isFine) return;
  try {
    await real.promises.readFile("/dev/null/nowhere", { signal: signal as AbortSignal });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ABORT_ERR" || code?.startsWith("ERR_") === true) throw error;
  }
}
