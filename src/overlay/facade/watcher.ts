import { EventEmitter } from "node:events";
import type fs from "node:fs";
import { posix } from "node:path";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import type { Identity, TreeChange } from "../change-feed.ts";
import type { Core } from "../core.ts";
import { codeOf, errorOfCall, Fault } from "../file-system-error.ts";
import type { DirectoryNode } from "../node.ts";
import { type PathAfter, placeAt } from "../open-places.ts";
import { type ExistingPlace, isDirectory } from "../path/path-walk.ts";
import {
  encodeResult,
  encodingOf,
  optionsOf,
  type PathArgument,
  pathOf,
  shownPath,
} from "./arguments.ts";
import { throwIfAborted } from "./asynchronous.ts";
import { codedError } from "./coded-error.ts";
import { checkEventOptions, checkWatchOptions, ignoredBy } from "./watch-options.ts";

/** A timer that never fires within a process' life keeps the process alive, as a watcher does. */
const longestTimerMs = 2 ** 31 - 1;

/** `fs.FSWatcher` over the overlay: its own changes, and those of the lower that show through. */
export class OverlayWatcher extends EventEmitter {
  readonly #core: Core;
  readonly #encoding: BufferEncoding | "buffer" | undefined;
  readonly #isRecursive: boolean;
  readonly #ownName: string;
  readonly #isIgnored: (name: string) => boolean;
  readonly #isPersistent: boolean;
  /** Where the watched lies; `undefined` for a watcher of nothing. */
  #place: ExistingPlace | undefined;
  /** The watched, where it is a directory. */
  #watched: DirectoryNode | undefined;
  #unsubscribe: (() => void) | undefined;
  #below: fs.FSWatcher | undefined;
  /** What is watched of the lower. */
  #belowPath: string | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(core: Core, path: PathArgument, options: unknown) {
    super();
    this.#core = core;
    this.#encoding = encodingOf(options);
    const given = optionsOf(options);
    const { recursive, persistent, signal } = given;
    this.#isRecursive = recursive === true;
    this.#isIgnored = ignoredBy(given);
    this.#isPersistent = persistent !== false;
    const shown = shownPath(path);
    // What happens to the watched itself is told under the end of the path that was given.
    this.#ownName = shown.slice(shown.lastIndexOf("/") + 1);
    const silently = given["throwIfNoEntry"] === false && nodeHabits.watchSilencesNoEntry;
    const place = this.#placeOf(path, silently);
    // A watcher of nothing: it never tells anything, and need not be closed.
    if (place === undefined) return;
    this.#unsubscribe = core.tree.feed.subscribe({
      tell: (change) => this.#onChange(change),
      leave: (pathAfter) => this.#leave(pathAfter),
    });
    this.#watchAt(place);
    if (persistent !== false) this.#keepAlive = setInterval(() => {}, longestTimerMs);
    if (signal instanceof AbortSignal) this.#closeOn(signal);
  }

  /** Ends watching. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#below?.close();
    clearInterval(this.#keepAlive);
    setImmediate(() => this.emit("close"));
  }

  ref(): this {
    this.#keepAlive?.ref();
    this.#below?.ref();
    return this;
  }

  unref(): this {
    this.#keepAlive?.unref();
    this.#below?.unref();
    return this;
  }

  #closeOn(signal: AbortSignal): void {
    if (signal.aborted) process.nextTick(() => this.close());
    else signal.addEventListener("abort", () => this.close(), { once: true });
  }

  #placeOf(path: PathArgument, silently: boolean): ExistingPlace | undefined {
    const target = pathOf(path);
    try {
      return this.#core.resolveExisting(target, true);
    } catch (caught) {
      if (silently && codeOf(caught) === "ENOENT") return undefined;
      const error = errorOfCall(caught, { syscall: "watch", path: shownPath(path) });
      throw Object.assign(error as object, { filename: shownPath(path) });
    }
  }

  #directoryAt(place: ExistingPlace): DirectoryNode | undefined {
    const { found, directory, name } = place;
    if (!isDirectory(place)) return undefined;
    if (found.kind === "lower") return this.#core.tree.passThrough(directory, name, found.path);
    if (found.node.kind !== "directory") throw new Fault("ENOTDIR");
    return found.node;
  }

  #onChange(change: TreeChange): void {
    if (change.node !== undefined && this.#isItself(change.node)) {
      this.#tell(change.kind, this.#ownName);
    } else if (this.#watched !== undefined) {
      const name = this.#nameBelow(change, this.#watched);
      if (name !== undefined) this.#tell(change.kind, name);
    }
  }

  /** A file keeps its numbers when it is copied up, and its watchers when it is renamed. */
  #isItself(node: Identity): boolean {
    if (this.#watched !== undefined) return node === this.#watched;
    return this.#place !== undefined && isSame(node, identityAt(this.#place));
  }

  #leave(pathAfter: PathAfter): () => void {
    const watched = this.#watched;
    const place = this.#place;
    const isGone = watched === undefined ? !this.#isStillThere() : watched.removed;
    if (place === undefined || isGone || watched === this.#core.tree.root) return () => {};
    const { found } = place;
    const at =
      watched?.parent === undefined ? place : { directory: watched.parent, name: watched.name };
    const lowerPath = watched?.lowerPath ?? (found.kind === "lower" ? found.path : undefined);
    const path = pathAfter(at, lowerPath);
    return () => {
      const after = path === undefined ? undefined : placeAt(this.#core, path);
      if (after === undefined || isDirectory(after) !== (watched !== undefined)) return;
      this.#watchAt(after);
    };
  }

  /** Whether the watched file lies where it did. */
  #isStillThere(): boolean {
    if (this.#place === undefined) return false;
    const { directory, name } = this.#place;
    const found = this.#core.tree.lookup(directory, name);
    if (found === undefined) return false;
    return isSame(identityAt({ ...this.#place, found }), identityAt(this.#place));
  }

  /** The name of a change relative to the watched directory, if it happened there. */
  #nameBelow(change: TreeChange, watched: DirectoryNode): string | undefined {
    if (change.directory === watched) return change.name;
    if (!this.#isRecursive) return undefined;
    let path = change.name;
    for (let at: DirectoryNode | undefined = change.directory; at !== undefined; at = at.parent) {
      if (at === watched) return path;
      path = posix.join(at.name, path);
    }
    return undefined;
  }

  /** Watches what lies at a place, and what of the lower shows through there. */
  #watchAt(place: ExistingPlace): void {
    const { found, directory, name } = place;
    const watched = this.#directoryAt(place);
    this.#place = place;
    this.#watched = watched;
    const lowerPath = watched?.lowerPath ?? (found.kind === "lower" ? found.path : undefined);
    const { watch } = this.#core.lower.fs;
    // A file that was committed is another one on the disk.
    if (watched !== undefined && lowerPath === this.#belowPath) return;
    this.#below?.close();
    this.#below = undefined;
    this.#belowPath = lowerPath;
    if (lowerPath === undefined || watch === undefined) return;
    try {
      const options = { persistent: this.#isPersistent, recursive: this.#isRecursive };
      this.#below = watch(lowerPath, options, (kind, changed) => {
        const isHidden =
          watched === undefined
            ? directory.entries?.has(name) === true
            : this.#hides(this.#watched ?? watched, changed ?? "");
        const told = watched === undefined ? this.#ownName : (changed ?? this.#ownName);
        if (!isHidden) this.#tell(kind as TreeChange["kind"], told);
      });
      this.#below.on("error", (error) => this.emit("error", error));
    } catch (error) {
      // A lower that cannot be watched still has an upper that can.
      if (codeOf(error) === undefined && !(error instanceof Error)) throw error;
    }
  }

  /** Whether the upper holds something in the place of a lower name that changed. */
  #hides(watched: DirectoryNode, changed: string): boolean {
    let directory = watched;
    for (const component of changed.split("/")) {
      if (this.#core.tree.isHidden(directory, component)) return true;
      const dentry = directory.entries?.get(component);
      if (dentry === undefined) return false;
      if (dentry.node?.kind !== "directory") return true;
      directory = dentry.node;
    }
    return false;
  }

  #tell(kind: TreeChange["kind"], name: string): void {
    setImmediate(() => {
      if (this.#isClosed || this.#isBelowIgnored(name)) return;
      this.emit("change", kind, encodeResult(name, this.#encoding));
    });
  }

  /** What lies in a directory that is ignored is not looked at. */
  #isBelowIgnored(name: string): boolean {
    for (let at = name.indexOf("/"); at >= 0; at = name.indexOf("/", at + 1)) {
      if (this.#isIgnored(name.slice(0, at))) return true;
    }
    return this.#isIgnored(name);
  }
}

// Code tells what it was given by this name.
Object.defineProperty(OverlayWatcher, "name", { value: "FSWatcher" });

function identityAt({ found }: ExistingPlace): Identity {
  return found.kind === "upper" ? found.node : found.stats;
}

function isSame(left: Identity, right: Identity): boolean {
  return Number(left.ino) === Number(right.ino) && Number(left.dev) === Number(right.dev);
}

/** `fs.watch`. */
export function watchCall(core: Core) {
  return (path: PathArgument, options?: unknown, listener?: unknown): OverlayWatcher => {
    const given = typeof options === "function" ? undefined : options;
    const onChange = typeof options === "function" ? options : listener;
    checkWatchOptions(given, onChange);
    const watcher = new OverlayWatcher(core, path, given);
    if (typeof onChange === "function") watcher.on("change", onChange as () => void);
    return watcher;
  };
}

interface WatchEvent {
  readonly eventType: string;
  readonly filename: string | Buffer;
}

/** Events kept for a reader that is slower than the changes. */
const queueLengthMax = 2048;

/** `fs.promises.watch`. */
export function watchEvents(core: Core) {
  return async function* watch(path: PathArgument, options?: unknown): AsyncGenerator<WatchEvent> {
    await checkEventOptions(options);
    const given = optionsOf(options);
    const { signal } = given;
    const queueMax = (given["maxQueue"] ?? queueLengthMax) as number;
    const watcher = new OverlayWatcher(core, path, {
      ...given,
      encoding: encodingOf(options),
      signal: undefined,
    });
    const queue: WatchEvent[] = [];
    let wake: () => void = () => {};
    let failure: unknown;
    watcher.on("change", (eventType, filename) => {
      if (queue.length < queueMax) queue.push({ eventType, filename });
      else if (given["overflow"] === "error") {
        queue.length = 0;
        const message = `fs.watch() queued more than ${queueMax} events`;
        failure ??= codedError("ERR_FS_WATCH_QUEUE_OVERFLOW", message);
      } else process.emitWarning("fs.watch maxQueue exceeded");
      wake();
    });
    watcher.on("error", (error) => {
      failure = error;
      wake();
    });
    const onAbort = (): void => wake();
    if (signal instanceof AbortSignal) signal.addEventListener("abort", onAbort);
    try {
      for (;;) {
        await throwIfAborted(signal);
        if (failure !== undefined) throw failure;
        const event = queue.shift();
        if (event !== undefined) yield event;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      if (signal instanceof AbortSignal) signal.removeEventListener("abort", onAbort);
      watcher.close();
    }
  };
}
