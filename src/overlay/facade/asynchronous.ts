import { checkArguments, realFileSystem as real } from "../../disk/lower-classes.ts";

/** Any function of the synchronous table. */
export type Call = (...values: never[]) => unknown;

type Callback = (error: unknown, ...results: unknown[]) => void;

/**
 * The promise form of a synchronous call. The effect happens at once, so that calls take effect in
 * the order in which they were made; the result is delivered in a later turn of the event loop, so
 * that a loop of awaits cannot starve timers and other input.
 */
export function promiseOf(call: Call): (...values: unknown[]) => Promise<unknown> {
  return async (...values) => {
    const outcome = outcomeOf(call, values);
    await nextTurn();
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  };
}

/** The callback form of a synchronous call; wrong arguments are thrown, as in Node. */
export function callbackOf(call: Call): (...values: unknown[]) => void {
  return (...values) => {
    const callback = requireCallback(values.pop());
    const outcome = outcomeOf(call, values);
    if ("error" in outcome) {
      if (isArgumentError(outcome.error)) throw outcome.error;
      setImmediate(callback, outcome.error);
    } else if (outcome.value === undefined) setImmediate(callback, null);
    else setImmediate(callback, null, outcome.value);
  };
}

/** @throws `ERR_INVALID_ARG_TYPE` as Node, when it is no function. */
export function requireCallback(value: unknown): Callback {
  if (typeof value === "function") return value as Callback;
  checkArguments((nowhere) => real.access(nowhere, value as () => void));
  throw new TypeError('The "cb" argument must be of type function');
}

/** Whether an error says that the arguments were wrong, rather than that the operation failed. */
export function isArgumentError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && code.startsWith("ERR_") && !code.startsWith("ERR_FS_");
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

function outcomeOf(call: Call, values: unknown[]): Outcome {
  try {
    return { value: call(...(values as never[])) };
  } catch (error) {
    return { error };
  }
}
