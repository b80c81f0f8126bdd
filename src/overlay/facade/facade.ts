import { Blob } from "node:buffer";
import type fs from "node:fs";
import {
  constants,
  Dir,
  Dirent,
  dirSymbols,
  realFileSystem as real,
  Stats,
} from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { type Core, untouched } from "../core.ts";
import { asRealUser } from "../credentials.ts";
import { exists, isDirectory } from "../path/path-walk.ts";
import { optionsOf, type PathArgument, pathOf } from "./arguments.ts";
import { type Callback, takeCallback, tellNext } from "./asynchronous.ts";
import { callbackForms } from "./callback-forms.ts";
import { type Calls, synchronousCalls } from "./calls.ts";
import { globAsync, globSync } from "./glob.ts";
import { promiseForms } from "./promise-forms.ts";
import { statWatchCalls } from "./stat-watcher.ts";
import { type StreamFs, Streams } from "./streams.ts";
import { addAsyncShortcuts, withShortcuts } from "./untouched-calls.ts";
import { existsOnDisk } from "./untouched-looks.ts";
import { watchCall, watchEvents } from "./watcher.ts";

/** An object with the functions of `node:fs` that works on an overlay. */
export type OverlayFs = typeof fs;

/** The façade of an overlay, and what must be stopped when the overlay closes. */
export interface Facade {
  readonly fs: OverlayFs;
  readonly close: () => void;
}

/** Builds the `node:fs`-shaped object of an overlay: plain, so that it can be patched. */
export function createFacade(core: Core): Facade {
  const plain = synchronousCalls(core);
  const calls = withShortcuts(core, plain);
  // A look takes less time than to have a thread take it: only what it tells is delivered later.
  const later = { ...plain, stat: calls.stat, lstat: calls.lstat, access: calls.access };
  const callbacks = callbackForms(core, later);
  // What is shown is what streams work on: whoever patches it means them too.
  const streams = new Streams(() => shown as unknown as StreamFs);
  const { stopAll, ...statWatch } = statWatchCalls(core, calls);
  const promises: Record<string, unknown> = {
    ...promiseForms(core, { calls: later, streams }),
    watch: watchEvents(core),
  };
  addAsyncShortcuts(core, { callbacks, promises });
  const facade = {
    ...callbacks,
    ...synchronousForms(calls),
    ...statWatch,
    existsSync: existsCall(core),
    watch: watchCall(core),
    ...streamMakers(streams),
    ReadStream: streams.ReadStream,
    WriteStream: streams.WriteStream,
    FileReadStream: streams.ReadStream,
    FileWriteStream: streams.WriteStream,
    ...globForms(core, calls),
    // As in Node, a failure is thrown at once.
    openAsBlob: (path: PathArgument, options?: unknown) =>
      Promise.resolve(blobOf(calls, path, options)),
    openAsBlobSync: (path: PathArgument, options?: unknown) => blobOf(calls, path, options),
    mkdtempDisposableSync: disposableCall(calls),
    ...textStream(callbacks, calls),
    Stats,
    Dirent,
    Dir,
    constants,
    F_OK: constants.F_OK,
    R_OK: constants.R_OK,
    W_OK: constants.W_OK,
    X_OK: constants.X_OK,
    _toUnixTimestamp: (real as unknown as Record<string, unknown>)["_toUnixTimestamp"],
    promises,
  };
  const shown = asThisNode(facade, real) as { promises: object };
  shown.promises = asThisNode(facade.promises, real.promises);
  return { fs: shown as unknown as OverlayFs, close: stopAll };
}

/** They may be called with `new`, as Node's. */
function streamMakers(streams: Streams) {
  function createReadStream(path: unknown, options?: unknown) {
    return streams.read(path, options);
  }
  function createWriteStream(path: unknown, options?: unknown) {
    return streams.write(path, options);
  }
  return { createReadStream, createWriteStream };
}

/** Leaves out what this release of Node, or this system, does not have: code looks for it. */
function asThisNode(ours: object, original: object): object {
  const table = ours as Readonly<Record<string, unknown>>;
  const theirs = original as Readonly<Record<string, unknown>>;
  const names = Object.getOwnPropertyNames(theirs).filter((name) => Object.hasOwn(table, name));
  const isListed = (name: string) => Object.prototype.propertyIsEnumerable.call(theirs, name);
  const shown = Object.fromEntries(
    names
      .filter(isListed)
      .map((name) => [name, theirs[name] === undefined ? undefined : table[name]]),
  );
  // Node 24 has `F_OK` and the like still, but no longer lists them, and warns when they are read.
  for (const name of names) {
    if (isListed(name)) continue;
    const value = table[name];
    Object.defineProperty(shown, name, { value, writable: true, configurable: true });
  }
  return shown;
}

function synchronousForms(calls: Calls): Record<string, unknown> {
  const { nativeRealpath, realpath, rmAsync, readdirLater, opendir, ...rest } = calls;
  const forms: Record<string, unknown> = {};
  for (const [name, call] of Object.entries(rest)) forms[`${name}Sync`] = call;
  const withNative = (path: PathArgument, options?: unknown) => realpath(path, options);
  // In some releases of Node the errors of this form alone name no path.
  forms["opendirSync"] = (path: PathArgument, options?: unknown) =>
    opendir(path, options, nodeHabits.opendirNamesPath);
  forms["realpathSync"] = Object.assign(withNative, { native: nativeRealpath });
  return forms;
}

function existsLongWay(core: Core, path: PathArgument): boolean {
  const target = pathOf(path);
  // Node asks by access(2), which goes by who has started the process.
  const place = asRealUser(() => core.resolve(target, "always"));
  return exists(place) && (!place.trailingSlash || isDirectory(place));
}

function existsCall(core: Core) {
  return (path: PathArgument): boolean => {
    try {
      if (typeof path !== "string") return existsLongWay(core, path);
      const found = core.peek(path);
      if (found !== untouched) return found === undefined ? existsLongWay(core, path) : true;
      return existsOnDisk(core, path) ?? existsLongWay(core, path);
    } catch {
      return false;
    }
  };
}

function globForms({ tree: { rootPath } }: Core, calls: Calls) {
  return {
    globSync: (pattern: unknown, options?: unknown) => globSync(calls, rootPath, pattern, options),
    glob(...values: unknown[]): void {
      const callback: Callback = takeCallback(values);
      const [pattern, options] = values;
      collect(globAsync(calls, rootPath, pattern, options)).then(
        (found) => tellNext(callback, null, found),
        (error: unknown) => tellNext(callback, error),
      );
    },
  };
}

async function collect(found: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of found) all.push(item);
  return all;
}

function blobOf(calls: Calls, path: PathArgument, options: unknown): Blob {
  const { type } = optionsOf(options);
  let bytes: Buffer<ArrayBuffer>;
  if (nodeHabits.blobNamesCause) calls.stat(path);
  try {
    bytes = calls.readFile(path) as Buffer<ArrayBuffer>;
  } catch (error) {
    const message = "Unable to open file as blob";
    throw Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_VALUE", cause: error });
  }
  return new Blob([bytes], { type: (type ?? "") as string });
}

function disposableCall(calls: Calls) {
  return (prefix: PathArgument, options?: unknown) => {
    const path = calls.mkdtemp(prefix, options) as string;
    const remove = (): void => calls.rm(path, { recursive: true, force: true });
    return { path, remove, [dirSymbols.dispose]: remove };
  };
}

/** `fs.Utf8Stream`, where this Node has it: it takes the file system to write to as an option. */
function textStream(callbacks: Record<string, unknown>, calls: Calls): Record<string, unknown> {
  const Base = (real as unknown as Record<string, unknown>)["Utf8Stream"];
  if (typeof Base !== "function") return {};
  const fileSystem = { ...callbacks, ...synchronousForms(calls) };
  const Utf8Stream = class extends (Base as new (options: object) => object) {
    constructor(options: object = {}) {
      super({ fs: fileSystem, ...options });
    }
  };
  return { Utf8Stream };
}
