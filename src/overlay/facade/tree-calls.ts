import { randomInt } from "node:crypto";
import type fs from "node:fs";
import { posix } from "node:path";
import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { copyFile } from "../calls/copy-file.ts";
import {
  direntOf,
  inspect,
  isDirectoryType,
  listDirectory,
  listNames,
  type ShownEntry,
} from "../calls/inspect.ts";
import { makeDirectory, removeDirectory } from "../calls/name-changes.ts";
import type { Core } from "../core.ts";
import { codeOf } from "../file-system-error.ts";
import { isDirectory } from "../path/path-walk.ts";
import {
  encodeResult,
  encodingOf,
  isUrl,
  modeOf,
  optionsOf,
  type PathArgument,
  pathOf,
  shownPath,
  statOptionsOf,
  toldByNode,
} from "./arguments.ts";
import { attempt } from "./attempt.ts";
import { copyTreeSync } from "./copy-tree.ts";
import { OverlayDir } from "./directory-handle.ts";
import { type MakingForm, makeDirectories } from "./make-directories.ts";
import { removalError } from "./removal-error.ts";
import { remove } from "./remove-tree.ts";

const copyModeMax = 7;

/** Entries that Node asks the system for at once, unless the caller says otherwise. */
const entriesAtOnce = 32;

/** The functions that work on directories and trees. */
export function treeCalls(core: Core) {
  return {
    mkdir: makeDirectoryCall(core, "sync"),
    /** `mkdir` of the callback and promise forms. */
    mkdirLater: makeDirectoryCall(core, "later"),

    mkdtemp: temporaryCall(core, true),
    /** `mkdtemp` of the callback and promise forms. */
    mkdtempLater: temporaryCall(core, false),

    readdir: readdirCall(core, {
      entersLinks: nodeHabits.listsTypesThroughLinks,
      isDepthFirst: false,
      isStrict: true,
    }),
    /** `readdir` of the promise form, which takes `recursive` for what it is worth. */
    readdirLater: readdirCall(core, {
      entersLinks: nodeHabits.promiseListsTypesThroughLinks,
      isDepthFirst: nodeHabits.promiseListsDepthFirst,
      isStrict: false,
    }),

    opendir(path: PathArgument, options?: unknown, isNamed = true): fs.Dir {
      const target = pathOf(path);
      const encoding = encodingOf(options);
      const given = optionsOf(options);
      // One that is given as `undefined` is no default to Node.
      const { bufferSize } = { bufferSize: entriesAtOnce as unknown, ...given };
      const named = isNamed ? path : undefined;
      const entries = attempt("opendir", named, undefined, () => listDirectory(core, target));
      // Looked at once the directory is open.
      if (!(Number.isInteger(bufferSize) && Number(bufferSize) > 0)) {
        checkArguments(() => real.opendirSync("/", options as fs.OpenDirOptions).closeSync());
      }
      const parent = isUrl(path) ? shownPath(path) : path;
      const list = (at: string): ShownEntry[] =>
        attempt("opendir", at, undefined, () => listDirectory(core, at));
      return OverlayDir.open(parent, {
        entries,
        encode: (name) => encodeResult(name, encoding),
        list: given["recursive"] ? list : undefined,
        bufferSize: bufferSize as number,
      });
    },

    rmdir: removeDirectoryCall(core, { isSync: true, follow: false }),
    /** `rmdir` of the callback form. */
    rmdirAsync: removeDirectoryCall(core, { isSync: false, follow: false }),
    /** `rmdir` of the promise form, which looks through a link when it is `recursive`. */
    rmdirLater: removeDirectoryCall(core, { isSync: false, follow: true }),

    rm: removeCall(core, true),
    /** `rm` of the callback and promise forms. */
    rmAsync: removeCall(core, false),

    copyFile(source: PathArgument, target: PathArgument, mode?: unknown): void {
      const from = pathOf(source, "src");
      const to = pathOf(target, "dest");
      const flags = copyModeOf(mode);
      attempt("copyfile", source, target, () => copyFile(core, from, to, flags));
    },

    cp(source: PathArgument, target: PathArgument, options?: unknown): void {
      checkCopyOptions(options);
      copyTreeSync(core, pathOf(source, "src"), pathOf(target, "dest"), optionsOf(options));
    },

    statfs(path: PathArgument, options?: unknown): unknown {
      const bigint = statOptionsOf(options).bigint === true;
      const target = pathOf(path);
      return attempt("statfs", path, undefined, () => {
        inspect(core, target, { follow: true, bigint: false });
        return core.lower.statfs(core.tree.rootPath, bigint);
      });
    },
  };
}

interface ListingHabits {
  /** Whether entries of links to directories are followed; names always are. */
  readonly entersLinks: boolean;
  /** Whether the directory that was met last is listed next. */
  readonly isDepthFirst: boolean;
  /** Whether `recursive` has to be a boolean. */
  readonly isStrict: boolean;
}

function readdirCall(core: Core, habits: ListingHabits) {
  return (path: PathArgument, options?: unknown): unknown[] => {
    const encoding = encodingOf(options);
    const { withFileTypes, recursive } = optionsOf(options);
    const target = pathOf(path);
    const isGiven = recursive !== undefined && recursive !== null;
    if (habits.isStrict && isGiven && typeof recursive !== "boolean") {
      checkArguments((nowhere) => real.readdirSync(nowhere, { recursive } as object));
    }
    const list = (at: string, shown: unknown): ShownEntry[] =>
      attempt("scandir", shown, undefined, () => listDirectory(core, at));
    if (recursive) {
      return listRecursively(core, target, { list, encoding, withFileTypes, habits });
    }
    if (!withFileTypes) {
      const names = attempt("scandir", path, undefined, () => listNames(core, target));
      return names.map((name) => encodeResult(name, encoding));
    }
    const entries = list(target, path);
    const parent = isUrl(path) ? shownPath(path) : path;
    return entries.map(({ name, type }) => direntOf(encodeResult(name, encoding), type, parent));
  };
}

function makeDirectoryCall(core: Core, form: MakingForm) {
  return (path: PathArgument, options?: unknown): string | undefined => {
    const target = toldByNode(
      () => pathOf(path),
      () => real.mkdirSync(path as string, options as { recursive: false }),
    );
    const isMode = typeof options === "number" || typeof options === "string";
    // Anything else counts as no options to Node.
    const isTable = typeof options === "object";
    const given = isMode ? { mode: options } : optionsOf(isTable ? options : undefined);
    const { recursive } = given as { recursive?: unknown };
    if (recursive !== undefined && typeof recursive !== "boolean") {
      checkArguments((nowhere) => real.mkdirSync(nowhere, options as { recursive: false }));
    }
    const { mode: asked } = given;
    const isPlain = typeof asked === "number" && asked >>> 0 === asked;
    if (asked !== undefined && !isPlain) {
      checkArguments((nowhere) => real.mkdirSync(nowhere, options as { recursive: false }));
    }
    const mode = modeOf(asked, 0o777);
    if (recursive === true) return makeDirectories(core, target, mode, form);
    attempt("mkdir", path, undefined, () => makeDirectory(core, target, mode));
    return undefined;
  };
}

function copyModeOf(mode: unknown): number {
  if (mode === undefined || mode === null) return 0;
  const isPlain = typeof mode === "number" && mode >>> 0 === mode && mode <= copyModeMax;
  if (!isPlain) checkArguments((at) => real.copyFileSync(at, at, mode as number));
  return mode as number;
}

function removeCall(core: Core, isSync: boolean) {
  return (path: PathArgument, options?: unknown): void => {
    const target = isSync
      ? toldByNode(
          () => pathOf(path),
          () => real.rmSync(path as string, options as fs.RmOptions),
        )
      : pathOf(path);
    checkRemoveOptions(options);
    const { force, recursive } = (options ?? {}) as Readonly<Record<string, unknown>>;
    const shown = shownPath(path);
    try {
      remove(core, target, shown, {
        force: force === true,
        recursive: recursive === true,
        passesLinks: !isSync,
        isNative: isSync && nodeHabits.removeSyncIsNative,
        looksFirst: !isSync,
      });
    } catch (error) {
      throw isSync ? removalError(error, shown) : error;
    }
  };
}

interface RemovalForm {
  readonly isSync: boolean;
  readonly follow: boolean;
}

function removeDirectoryCall(core: Core, { isSync, follow }: RemovalForm) {
  return (path: PathArgument, options?: unknown): void => {
    const target = pathOf(path);
    // Releases that have no `recursive` any more refuse it, and others warn of it.
    if (options !== undefined) checkArguments((at) => real.rmdirSync(at, options as object));
    const { recursive } = (options ?? {}) as Readonly<Record<string, unknown>>;
    if (recursive === true) {
      const place = attempt(follow ? "stat" : "lstat", path, undefined, () =>
        core.resolveExisting(target, follow),
      );
      if (isDirectory(place)) {
        removeWhole(core, target, shownPath(path), isSync);
        return;
      }
    }
    attempt("rmdir", path, undefined, () => removeDirectory(core, target));
  };
}

/** What `rmdir` does with `recursive`: what `rm` does. */
function removeWhole(core: Core, path: string, shown: string, isSync: boolean): void {
  try {
    remove(core, path, shown, {
      force: false,
      recursive: true,
      passesLinks: !isSync,
      isNative: isSync && nodeHabits.removeSyncIsNative,
      looksFirst: true,
    });
  } catch (error) {
    throw isSync ? removalError(error, shown) : error;
  }
}

function checkRemoveOptions(options: unknown): void {
  if (options === undefined) return;
  const isPlain =
    typeof options === "object" &&
    options !== null &&
    !Array.isArray(options) &&
    Object.entries(options).every(
      ([name, value]) => typeof value === "boolean" && /^(force|recursive)$/.test(name),
    );
  if (!isPlain) checkArguments((nowhere) => real.rmSync(nowhere, options as fs.RmOptions));
}

/** @throws as `fs.cp` for wrong options. */
export function checkCopyOptions(options: unknown): void {
  if (options === undefined) return;
  checkArguments((nowhere) => {
    // A filter that is one must not be asked about a path that is not the caller's.
    const hasFilter = typeof (options as { filter?: unknown } | null)?.filter === "function";
    const checked = hasFilter ? { ...(options as object), filter: undefined } : options;
    real.cpSync(nowhere, nowhere, checked as fs.CopySyncOptions);
  });
}

interface Listing {
  readonly list: (path: string, shown: unknown) => ShownEntry[];
  readonly encoding: BufferEncoding | "buffer" | undefined;
  readonly withFileTypes: unknown;
  readonly habits: ListingHabits;
}

function listRecursively(core: Core, base: string, listing: Listing): unknown[] {
  const results: unknown[] = [];
  const { entersLinks, isDepthFirst } = listing.habits;
  const pending = [base];
  const next = () => (isDepthFirst ? pending.pop() : pending.shift());
  for (let path = next(); path !== undefined; path = next()) {
    for (const { name, type } of listing.list(path, path)) {
      const at = posix.join(path, name);
      if (listing.withFileTypes) {
        results.push(direntOf(encodeResult(name, listing.encoding), type, path));
        const isEntered = entersLinks ? isDirectoryThrough(core, at) : isDirectoryType(type);
        if (isEntered) pending.push(at);
      } else {
        results.push(encodeResult(posix.relative(base, at), listing.encoding));
        if (isDirectoryThrough(core, at)) pending.push(at);
      }
    }
  }
  return results;
}

function isDirectoryThrough(core: Core, path: string): boolean {
  try {
    return inspect(core, path, { follow: true, bigint: false }).isDirectory();
  } catch (caught) {
    if (codeOf(caught) === undefined) throw caught;
    return false;
  }
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const suffixLength = 6;
/** Names that are tried before giving up: with 62^6 of them even two in a row never clash. */
const attemptsMax = 100;

function temporaryCall(core: Core, isSync: boolean) {
  return (prefix: PathArgument, options?: unknown): string | Buffer => {
    const encoding = encodingOf(options);
    const start = pathOf(prefix, "prefix");
    // Node warns of it, once.
    if (start.endsWith("X")) checkArguments((nowhere) => real.mkdtempSync(`${nowhere}X`));
    return encodeResult(makeTemporary(core, start, isSync), encoding);
  };
}

/** Where it fails, the callback and promise forms name the path that was tried last. */
function makeTemporary(core: Core, prefix: string, isSync: boolean): string {
  for (let tries = 1; ; tries++) {
    let path = prefix;
    for (let index = 0; index < suffixLength; index++) path += letters[randomInt(letters.length)];
    try {
      attempt("mkdtemp", isSync ? `${prefix}XXXXXX` : path, undefined, () =>
        makeDirectory(core, path, 0o700),
      );
      return path;
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || tries === attemptsMax) throw error;
    }
  }
}
