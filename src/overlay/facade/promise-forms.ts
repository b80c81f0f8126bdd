import {
  checkArgumentsLater,
  constants,
  dirSymbols,
  realFileSystem as real,
} from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import type { Core } from "../core.ts";
import { encodingOf, flagsOf, optionsOf, type PathArgument, pathOf } from "./arguments.ts";
import { type Call, deliver, nextTurn, promiseOf, throwIfAborted } from "./asynchronous.ts";
import { harmlessArguments, throwing } from "./callback-forms.ts";
import type { Calls } from "./calls.ts";
import { copyTree } from "./copy-tree.ts";
import { type HandleContext, OverlayFileHandle } from "./file-handle.ts";
import { globAsync } from "./glob.ts";
import { lookWith } from "./stat-options.ts";
import { checkCopyOptions } from "./tree-calls.ts";
import { readLater } from "./whole-file-calls.ts";
import { isIterable, writeChunks } from "./write-chunks.ts";

/** Functions of `fs.promises` that are the promise form of the synchronous call of that name. */
const plain = [
  "access",
  "chmod",
  "chown",
  "copyFile",
  "lchown",
  "link",
  "lutimes",
  "opendir",
  "readlink",
  "rename",
  "statfs",
  "symlink",
  "unlink",
  "utimes",
] as const satisfies readonly (keyof Calls)[];

/** The functions of `fs.promises`, but `watch`. */
export function promiseForms(core: Core, context: HandleContext): Record<string, unknown> {
  const { calls } = context;
  const forms: Record<string, unknown> = { constants };
  for (const name of plain) forms[name] = promiseOf(calls[name] as Call, refusalOf(name));
  const open = async (path: PathArgument, flags?: unknown, mode?: unknown) =>
    new OverlayFileHandle(
      context,
      await deliver(
        () => calls.open(path, flags, mode),
        () => refusalOf("open")([path, flags, mode]),
      ),
    );
  return Object.assign(forms, {
    open,
    mkdir: promiseOf(
      // Unlike the other forms it takes `null` for no mode.
      (path: PathArgument, options?: unknown) => calls.mkdirLater(path, withoutNullMode(options)),
      refusalOf("mkdir"),
    ),
    stat: statForm("stat", nodeHabits.statLaterKnowsNoEntry ? calls.stat : throwing(calls.stat)),
    lstat: statForm("lstat", throwing(calls.lstat)),
    realpath: promiseOf(calls.nativeRealpath as Call),
    mkdtemp: promiseOf(calls.mkdtempLater as Call, refusalOf("mkdtemp")),
    rm: promiseOf(calls.rmAsync as Call),
    rmdir: promiseOf(calls.rmdirLater as Call),
    truncate: promiseOf((path: PathArgument, length?: unknown) => {
      // A descriptor is a path to the other forms only.
      pathOf(path);
      calls.truncate(path, length);
    }),
    readdir: promiseOf(calls.readdirLater as Call, refusalOf("readdir")),
    lchmod: lchmodForm(calls),
    readFile: readFileForm(calls),
    writeFile: writeFileForm(calls, open, "w"),
    appendFile: writeFileForm(calls, open, "a"),
    mkdtempDisposable: async (prefix: PathArgument, options?: unknown) => {
      const path = await deliver(() => calls.mkdtempLater(prefix, options));
      const remove = promiseOf(() => calls.rm(path as string, { recursive: true, force: true }));
      return { path, remove, [dirSymbols.asyncDispose]: remove };
    },
    async cp(source: PathArgument, target: PathArgument, options?: unknown): Promise<void> {
      checkCopyOptions(options);
      const from = pathOf(source, "src");
      const to = pathOf(target, "dest");
      await copyTree(core, from, to, optionsOf(options));
      await nextTurn();
    },
    glob: (pattern: unknown, options?: unknown) =>
      globAsync(calls, core.tree.rootPath, pattern, options),
  });
}

function withoutNullMode(options: unknown): unknown {
  const hasNullMode = typeof options === "object" && optionsOf(options)["mode"] === null;
  return hasNullMode ? { ...optionsOf(options), mode: undefined } : options;
}

/**
 * Lets Node say which of several mistakes in the arguments it tells; paths are replaced by one that
 * leads nowhere.
 */
function refusalOf(
  name: keyof typeof real.promises,
): (values: readonly unknown[]) => Promise<void> {
  const call = real.promises[name] as (...values: unknown[]) => Promise<unknown>;
  return (values) => checkArgumentsLater((at) => call(...harmlessArguments(name, values, at)));
}

function statForm(name: "stat" | "lstat", call: Call) {
  const look = promiseOf(call, refusalOf(name));
  const original = real.promises[name] as (...values: unknown[]) => Promise<unknown>;
  return (path: PathArgument, options?: unknown) =>
    lookWith(
      options,
      () => look(path, options),
      (at) => original(...harmlessArguments(name, [path, options], at)),
    );
}

/** Where the system has no such call, Node's own says so without touching anything. */
function lchmodForm(calls: Calls) {
  return real.lchmodSync === undefined ? real.promises.lchmod : promiseOf(calls.lchmod as Call);
}

function readFileForm(calls: Calls) {
  const refuse = refusalOf("readFile");
  return async (path: unknown, options?: unknown): Promise<string | Buffer> => {
    if (path instanceof OverlayFileHandle) return path.readFile(options);
    const { signal } = optionsOf(options);
    await throwIfAborted(signal);
    const content = await deliver(
      () => {
        // A descriptor is a path to the other forms only.
        pathOf(path);
        return readLater(calls, path as PathArgument, options);
      },
      () => refuse([path, options]),
    );
    await throwIfAborted(signal);
    return content;
  };
}

type Open = (path: PathArgument, flags?: unknown, mode?: unknown) => Promise<OverlayFileHandle>;

function writeFileForm(calls: Calls, open: Open, flag: "w" | "a") {
  const write = flag === "w" ? calls.writeFile : calls.appendFile;
  const refuse = refusalOf(flag === "w" ? "writeFile" : "appendFile");
  return async (path: unknown, data: unknown, options?: unknown): Promise<void> => {
    if (path instanceof OverlayFileHandle) return path.writeFile(data, options);
    const given = optionsOf(options);
    await throwIfAborted(given["signal"]);
    if (!isIterable(data)) {
      await deliver(
        () => {
          pathOf(path);
          write(path as PathArgument, data, options);
        },
        () => refuse([path, data, options]),
      );
      return throwIfAborted(given["signal"]);
    }
    pathOf(path);
    encodingOf(options);
    const handle = await open(path as PathArgument, flagsOf(given["flag"], flag), given["mode"]);
    try {
      await writeChunks(data, options, (chunk) => handle.writeFile(chunk, options));
    } finally {
      await handle.close();
    }
  };
}
