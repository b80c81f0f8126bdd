import { EventEmitter } from "node:events";
import type fs from "node:fs";
import { posix } from "node:path";
import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import type { Core } from "../core.ts";
import { codeOf } from "../file-system-error.ts";
import { absentStats } from "../stats.ts";
import { optionsOf, type PathArgument, pathOf } from "./arguments.ts";
import type { Calls } from "./calls.ts";

/** How often a file is looked at, in milliseconds, unless the caller says otherwise: Node's own. */
const defaultIntervalMs = 5007;

type AnyStats = fs.Stats | fs.BigIntStats;

/** `fs.StatWatcher` over the overlay: looks at a path again and again. */
class OverlayStatWatcher extends EventEmitter {
  readonly #look: () => AnyStats;
  readonly #isAbsent: (stats: AnyStats) => boolean;
  readonly #timer: NodeJS.Timeout;
  /** What was there last: as in libuv, also what is gone since. */
  #last: AnyStats;
  #isGone: boolean;
  #isStopped = false;

  constructor(look: () => AnyStats, isAbsent: (stats: AnyStats) => boolean, intervalMs: number) {
    super();
    this.#look = look;
    this.#isAbsent = isAbsent;
    this.#last = look();
    this.#isGone = isAbsent(this.#last);
    // As libuv does: a file that is not there is told of once.
    if (this.#isGone) {
      const [present, last] = [look(), this.#last];
      setImmediate(() => this.emit("change", present, last));
    }
    this.#timer = setInterval(() => this.#compare(), intervalMs);
  }

  ref(): this {
    this.#timer.ref();
    return this;
  }

  unref(): this {
    this.#timer.unref();
    return this;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#timer);
    process.nextTick(() => this.emit("stop"));
  }

  #compare(): void {
    const present = this.#look();
    const last = this.#last;
    const wasGone = this.#isGone;
    this.#isGone = this.#isAbsent(present);
    if (this.#isGone) {
      if (!wasGone) this.emit("change", present, last);
      return;
    }
    this.#last = present;
    if (wasGone || !isUnchanged(present, last)) this.emit("change", present, last);
  }
}

// Code tells what it was given by this name.
Object.defineProperty(OverlayStatWatcher, "name", { value: "StatWatcher" });

function isUnchanged(left: AnyStats, right: AnyStats): boolean {
  return (
    ["ino", "dev", "mode", "uid", "gid", "size", "ctimeMs", "mtimeMs", "birthtimeMs"] as const
  ).every((key) => left[key] === right[key]);
}

/** `fs.watchFile` and `fs.unwatchFile`. */
export function statWatchCalls({ tree: { rootPath } }: Core, calls: Calls) {
  // Other spellings of a path share a watcher.
  const keyOf = (path: PathArgument): string => posix.resolve(rootPath, pathOf(path));
  const watchers = new Map<string, OverlayStatWatcher>();
  return {
    watchFile(path: PathArgument, options: unknown, listener?: unknown): OverlayStatWatcher {
      const target = keyOf(path);
      const isGiven = typeof options === "object" && options !== null;
      const onChange = isGiven ? listener : options;
      if (typeof onChange !== "function") refuse(onChange);
      const given = isGiven ? optionsOf(options) : {};
      const bigint = given["bigint"] === true;
      let watcher = watchers.get(target);
      if (watcher === undefined) {
        const look = (): AnyStats => statsIn(calls, target, bigint) ?? absentStats(bigint);
        const intervalMs = intervalOf(given);
        watcher = new OverlayStatWatcher(look, (stats) => Number(stats.ino) === 0, intervalMs);
        watchers.set(target, watcher);
        if (given["persistent"] === false) watcher.unref();
      }
      watcher.on("change", onChange as () => void);
      return watcher;
    },

    unwatchFile(path: PathArgument, listener?: unknown): void {
      const target = keyOf(path);
      const watcher = watchers.get(target);
      if (watcher === undefined) return;
      if (typeof listener === "function") watcher.off("change", listener as () => void);
      else watcher.removeAllListeners("change");
      if (watcher.listenerCount("change") > 0) return;
      watcher.stop();
      watchers.delete(target);
    },

    /** Ends all, when the overlay closes. */
    stopAll(): void {
      for (const watcher of watchers.values()) watcher.stop();
      watchers.clear();
    },
  };
}

/** What cannot be looked at is as good as absent, as to libuv. */
function statsIn(calls: Calls, path: string, bigint: boolean): AnyStats | undefined {
  try {
    return calls.stat(path, { bigint, throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** @throws `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE` as Node. */
function intervalOf(options: Readonly<Record<string, unknown>>): number {
  const { interval } = { interval: defaultIntervalMs as unknown, ...options };
  if (typeof interval === "number" && interval >>> 0 === interval) return interval;
  checkArguments((nowhere) => {
    try {
      real.watchFile(nowhere, { interval: interval as number, persistent: false }, () => {});
    } finally {
      real.unwatchFile(nowhere);
    }
  });
  return defaultIntervalMs;
}

function refuse(listener: unknown): never {
  checkArguments((nowhere) => real.watchFile(nowhere, {}, listener as () => void));
  throw new TypeError('The "listener" argument must be of type function');
}
