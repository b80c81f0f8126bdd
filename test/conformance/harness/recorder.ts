import { type Frame, plainErrorOf, plainOf } from "./plain.ts";
import type { Fs } from "./seed.ts";

/** One call and what came of it. */
export interface Step {
  readonly call: string;
  readonly given: unknown;
  readonly result: unknown;
}

type Callable = (...input: unknown[]) => unknown;
type NativeCallable = Callable & { readonly native: Callable };

/** Names of calls whose result is a number that means nothing by itself. */
const descriptorCalls = new Set(["openSync", "open"]);
/** Calls whose order of results is the file system's own business. */
const unorderedCalls = new Set(["readdirSync", "readdir", "globSync"]);
/** Things that are not calls on the tree, or that `Trial` has its own helper for. */
const silent = new Set([
  "createReadStream",
  "createWriteStream",
  "watch",
  "watchFile",
  "unwatchFile",
]);

/**
 * Wraps an fs so that every call is noted with its arguments and outcome. A call that throws is
 * noted and returns `undefined`: a program goes on and its later steps are compared as well.
 */
export class Recorder {
  readonly steps: Step[] = [];
  readonly fs: Fs;
  readonly #frame: Frame;

  constructor(fs: Fs, frame: Frame) {
    this.#frame = frame;
    const promises = this.#wrap(fs.promises, "promises.");
    this.fs = new Proxy(fs, {
      get: (target, name) => {
        if (name === "promises") return promises;
        const value = Reflect.get(target, name) as unknown;
        if (typeof name !== "string" || typeof value !== "function") return value;
        if (silent.has(name)) return value;
        if (name === "realpathSync") return this.#realpath(value as NativeCallable, target);
        if (name.endsWith("Sync")) return this.#sync(name, name, value as Callable, target);
        if (/^[A-Z_]/.test(name)) return value;
        return this.#callback(name, value as Callable, target);
      },
    });
  }

  /** Notes something that is not a call. */
  note(label: string, value: unknown): void {
    this.steps.push({ call: label, given: undefined, result: plainOf(value, this.#frame) });
  }

  #wrap<T extends object>(target: T, prefix: string): T {
    return new Proxy(target, {
      get: (_, name) => {
        if (name === "unrecorded") return target;
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== "function") return value;
        if (typeof name !== "string") return value.bind(target);
        if (silent.has(name)) return value.bind(target);
        return this.#sync(prefix + name, name, value as Callable, target);
      },
    });
  }

  #sync(call: string, name: string, action: Callable, self: object): Callable {
    return (...input) => {
      const given = this.#given(input);
      try {
        const result = action.apply(self, input);
        if (result instanceof Promise) return this.#settled(call, name, given, result);
        this.#push(call, given, this.#outcome(name, result));
        return this.#handleOf(result);
      } catch (error) {
        this.#push(call, given, plainErrorOf(error as Error, this.#frame));
        return undefined;
      }
    };
  }

  async #settled(call: string, name: string, given: unknown, result: Promise<unknown>) {
    try {
      const value = await result;
      this.#push(call, given, this.#outcome(name, value));
      return this.#handleOf(value);
    } catch (error) {
      this.#push(call, given, plainErrorOf(error as Error, this.#frame));
      return undefined;
    }
  }

  #realpath(action: NativeCallable, self: object): Callable {
    const native = this.#sync("realpathSync.native", "realpathSync", action.native, self);
    return Object.assign(this.#sync("realpathSync", "realpathSync", action, self), { native });
  }

  #callback(name: string, action: Callable, self: object): Callable {
    return (...input) => {
      const done = input.at(-1);
      if (typeof done !== "function") return this.#sync(name, name, action, self)(...input);
      const given = this.#given(input.slice(0, -1));
      const report = (error: Error | null, ...values: unknown[]) => {
        const value = values.length > 1 ? values : values[0];
        const result = error ? plainErrorOf(error, this.#frame) : this.#outcome(name, value);
        this.#push(name, given, result);
        (done as Callable)(error, ...values.map((item) => this.#handleOf(item)));
      };
      // `exists` is the one callback without an error.
      const answer =
        name === "exists" ? (found: unknown) => report(null, found) : (report as Callable);
      try {
        return action.apply(self, [...input.slice(0, -1), answer]);
      } catch (error) {
        this.#push(name, given, { thrown: plainErrorOf(error as Error, this.#frame) });
        (done as Callable)(error);
        return undefined;
      }
    };
  }

  #given(input: readonly unknown[]): unknown {
    return input.map((item) => (typeof item === "number" ? "#" : plainOf(item, this.#frame)));
  }

  #outcome(name: string, value: unknown): unknown {
    if (descriptorCalls.has(name) && typeof value === "number") return "descriptor";
    if (name.startsWith("mkdtemp")) this.#alias(value);
    const plain = plainOf(value, this.#frame);
    if (!unorderedCalls.has(name) || !Array.isArray(plain)) return plain;
    return plain.map((item) => JSON.stringify(item)).sort();
  }

  #alias(made: unknown): void {
    const { aliases } = this.#frame;
    const path = typeof made === "object" && made !== null && "path" in made ? made.path : made;
    const random = String(path).slice(-6);
    aliases.set(random, `<random ${aliases.size + 1}>`);
  }

  /** Handles and directories are wrapped too; everything else is handed on as it is. */
  #handleOf(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    if ("fd" in value && "appendFile" in value) return this.#wrap(value, "FileHandle.");
    if ("closeSync" in value && "read" in value) return this.#wrap(value, "Dir.");
    return value;
  }

  #push(call: string, given: unknown, result: unknown): void {
    this.steps.push({ call, given, result });
  }
}
