import { EventEmitter } from "node:events";
import { types } from "node:util";
import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { compileGlob, matchesGlob } from "../path/glob-pattern.ts";

type Options = Readonly<Record<string, unknown>>;

/** @throws what `fs.watch` throws for such options and such a listener. */
export function checkWatchOptions(options: unknown, listener: unknown): void {
  if (options !== undefined) checkArguments((nowhere) => real.watch(nowhere, options as object));
  // Node adds what is not falsy, and leaves the check to that.
  if (listener) new EventEmitter().on("change", listener as () => void);
}

/** @throws what `fs.promises.watch` throws for such options, also for an aborted signal. */
export async function checkEventOptions(options: unknown): Promise<void> {
  if (options === undefined || isPlain(options)) return;
  try {
    const events = real.promises.watch("/dev/null/nowhere", options as object);
    await events[Symbol.asyncIterator]().next();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ABORT_ERR" || code.startsWith("ERR_")) throw error;
  }
}

/** Whether options need no check by Node, which takes a turn in which events would be lost. */
function isPlain(options: unknown): boolean {
  if (typeof options !== "object" || options === null) return false;
  const { persistent, recursive, signal, encoding, ...rest } = options as Options;
  return (
    [persistent, recursive].every((flag) => flag === undefined || typeof flag === "boolean") &&
    (signal === undefined || (signal instanceof AbortSignal && !signal.aborted)) &&
    (encoding === undefined || encoding === "utf8") &&
    Object.entries(rest).every(([name, value]) => name === "ignore" && isMatcher(value))
  );
}

/** A pattern, an expression, a function, or a list of them. */
function isMatcher(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => !Array.isArray(item) && isMatcher(item));
  return typeof value === "function" || types.isRegExp(value) || (value !== "" && isText(value));
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Whether changes of a name are not to be told, by the option `ignore` of Node 24.14 and later. */
export function ignoredBy({ ignore }: Options): (name: string) => boolean {
  if (ignore === undefined || ignore === null || !nodeHabits.watchIgnores) return () => false;
  const tests = (Array.isArray(ignore) ? ignore : [ignore]).map(testOf);
  return (name) => tests.some((test) => test(name));
}

function testOf(matcher: unknown): (name: string) => boolean {
  if (typeof matcher === "function") return (name) => Boolean(matcher(name));
  // An expression with the flag `g` goes on where it ended, as in Node.
  if (types.isRegExp(matcher)) return (name) => matcher.exec(name) !== null;
  const pattern = String(matcher);
  const alternatives = compileGlob(pattern);
  const isOfName = !pattern.includes("/");
  return (name) => {
    const components = name.split("/");
    const path = isOfName ? components.slice(-1) : components;
    return alternatives.some((segments) => matchesGlob(segments, path));
  };
}
