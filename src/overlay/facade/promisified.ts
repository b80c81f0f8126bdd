import { promisify } from "node:util";

type Form = (...values: unknown[]) => void;

/** The names that Node's `util.promisify` gives to the two results; that of `writev` is its own. */
const resultNames: Readonly<Record<string, readonly [string, string]>> = {
  read: ["bytesRead", "buffer"],
  readv: ["bytesRead", "buffers"],
  write: ["bytesWritten", "buffer"],
  writev: ["bytesWritten", "buffer"],
};

/**
 * Tells `util.promisify` of the callback forms that it cannot turn by itself: `exists` calls back
 * without an error, and those that move bytes call back with two results.
 */
export function describePromisified(forms: Readonly<Record<string, unknown>>): void {
  for (const [name, [count, data]] of Object.entries(resultNames)) {
    const form = forms[name] as Form;
    describe(form, (...values) =>
      promiseOf((resolve, reject) => {
        form(...values, (error: unknown, moved: unknown, given: unknown) => {
          if (error == null) resolve({ [count]: moved, [data]: given });
          else reject(error);
        });
      }),
    );
  }
  const exists = forms["exists"] as Form;
  describe(exists, (...values) => promiseOf((resolve) => exists(...values, resolve)));
}

type Executor = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void;

function promiseOf(executor: Executor): Promise<unknown> {
  return new Promise(executor);
}

function describe(form: Form, value: (...values: unknown[]) => Promise<unknown>): void {
  Object.defineProperty(form, promisify.custom, { value, configurable: true });
}
