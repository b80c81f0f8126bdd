import { constants } from "../../disk/lower-classes.ts";
import { changeMode, changeOwner, changeTimes, truncateAt } from "../attributes.ts";
import type { Core } from "../core.ts";
import { codeOf, errorOfCall } from "../file-system-error.ts";
import { checkAccess, direntOf, inspect, listDirectory, readLink, realPath } from "../inspect.ts";
import {
  makeDirectory,
  makeLink,
  makeSymlink,
  removeDirectory,
  removeFile,
} from "../name-changes.ts";
import { openFile } from "../open.ts";
import { exists } from "../path-walk.ts";
import { rename } from "../rename.ts";
import {
  encodeResult,
  encodingOf,
  flagsOf,
  modeOf,
  optionsOf,
  type PathArgument,
  pathOf,
  shownPath,
  timeOf,
} from "./arguments.ts";
import { contentCalls } from "./content-calls.ts";
import { treeCalls } from "./tree-calls.ts";

/** Runs an operation and gives what it throws the form of Node's error for this call. */
export function attempt<T>(syscall: string, path: unknown, dest: unknown, run: () => T): T {
  try {
    return run();
  } catch (caught) {
    throw errorOfCall(caught, {
      syscall,
      path: path === undefined ? undefined : shownPath(path),
      dest: dest === undefined ? undefined : shownPath(dest),
    });
  }
}

/**
 * The functions of `node:fs` that exist in all three forms, each written once, as its synchronous
 * form without the suffix. The callback and promise forms are made of them.
 */
export function synchronousCalls(core: Core) {
  return { ...nameCalls(core), ...attributeCalls(core), ...contentCalls(core), ...treeCalls(core) };
}

function nameCalls(core: Core) {
  return {
    stat: (path: PathArgument, options?: unknown) => status(core, "stat", path, options),
    lstat: (path: PathArgument, options?: unknown) => status(core, "lstat", path, options),
    access(path: PathArgument, mode?: number): void {
      const target = pathOf(path);
      attempt("access", path, undefined, () => checkAccess(core, target, mode ?? constants.F_OK));
    },
    readdir(path: PathArgument, options?: unknown): unknown[] {
      const encoding = encodingOf(options);
      const { withFileTypes } = optionsOf(options);
      const target = pathOf(path);
      const entries = attempt("scandir", path, undefined, () => listDirectory(core, target));
      if (withFileTypes !== true) return entries.map(({ name }) => encodeResult(name, encoding));
      return entries.map(({ name, type }) =>
        direntOf(encodeResult(name, encoding), type, shownPath(path)),
      );
    },
    readlink(path: PathArgument, options?: unknown): string | Buffer {
      const encoding = encodingOf(options);
      const target = pathOf(path);
      const link = attempt("readlink", path, undefined, () => readLink(core, target));
      return encodeResult(link, encoding);
    },
    realpath(path: PathArgument, options?: unknown): string | Buffer {
      const encoding = encodingOf(options);
      const target = pathOf(path);
      const found = attempt("realpath", path, undefined, () => realPath(core, target));
      return encodeResult(found, encoding);
    },
    rmdir(path: PathArgument): void {
      const target = pathOf(path);
      attempt("rmdir", path, undefined, () => removeDirectory(core, target));
    },
    unlink(path: PathArgument): void {
      const target = pathOf(path);
      attempt("unlink", path, undefined, () => removeFile(core, target));
    },
    rename(oldPath: PathArgument, newPath: PathArgument): void {
      const from = pathOf(oldPath, "oldPath");
      const to = pathOf(newPath, "newPath");
      attempt("rename", oldPath, newPath, () => rename(core, from, to));
    },
    symlink(target: PathArgument, path: PathArgument, _type?: unknown): void {
      const text = pathOf(target, "target");
      const at = pathOf(path);
      attempt("symlink", target, path, () => makeSymlink(core, text, at));
    },
    link(existingPath: PathArgument, newPath: PathArgument): void {
      const from = pathOf(existingPath, "existingPath");
      const to = pathOf(newPath, "newPath");
      attempt("link", existingPath, newPath, () => makeLink(core, from, to));
    },
    open(path: PathArgument, flags?: unknown, mode?: unknown): number {
      const target = pathOf(path);
      const numeric = flagsOf(flags, "r");
      const bits = modeOf(mode, 0o666);
      return attempt("open", path, undefined, () =>
        core.descriptors.add(openFile(core, target, numeric, bits)),
      );
    },
    mkdir(path: PathArgument, options?: unknown): string | undefined {
      const isMode = typeof options === "number" || typeof options === "string";
      const given = isMode ? { mode: options } : optionsOf(options);
      const mode = modeOf(given["mode"], 0o777);
      const target = pathOf(path);
      if (given["recursive"] === true) return makeDirectories(core, path, target, mode);
      attempt("mkdir", path, undefined, () => makeDirectory(core, target, mode));
      return undefined;
    },
  };
}

function attributeCalls(core: Core) {
  const times = (syscall: string, follow: boolean) =>
    function setTimes(path: PathArgument, atime: unknown, mtime: unknown): void {
      const target = pathOf(path);
      const given = { atime: timeOf(atime), mtime: timeOf(mtime), follow };
      attempt(syscall, path, undefined, () => changeTimes(core, target, given));
    };
  const owner = (syscall: string, follow: boolean) =>
    function setOwner(path: PathArgument, uid: number, gid: number): void {
      const target = pathOf(path);
      attempt(syscall, path, undefined, () => changeOwner(core, target, { uid, gid, follow }));
    };
  return {
    chmod(path: PathArgument, mode: unknown): void {
      const target = pathOf(path);
      const bits = modeOf(mode, 0);
      attempt("chmod", path, undefined, () => changeMode(core, target, bits));
    },
    chown: owner("chown", true),
    lchown: owner("lchown", false),
    utimes: times("utime", true),
    lutimes: times("lutime", false),
    truncate(path: PathArgument, length = 0): void {
      const target = pathOf(path);
      attempt("open", path, undefined, () => truncateAt(core, target, Math.max(0, length)));
    },
  };
}

function status(
  core: Core,
  syscall: "stat" | "lstat",
  path: PathArgument,
  options: unknown,
): unknown {
  const { bigint, throwIfNoEntry } = optionsOf(options);
  const target = pathOf(path);
  const wanted = { follow: syscall === "stat", bigint: bigint === true };
  try {
    return inspect(core, target, wanted);
  } catch (caught) {
    const code = codeOf(caught);
    if (throwIfNoEntry === false && (code === "ENOENT" || code === "ENOTDIR")) return undefined;
    throw errorOfCall(caught, { syscall, path: shownPath(path) });
  }
}

/** `mkdir -p`: returns the first directory that it made. */
function makeDirectories(
  core: Core,
  given: PathArgument,
  path: string,
  mode: number,
): string | undefined {
  const missing: string[] = [];
  let at = path.length > 1 ? path.replace(/\/+$/, "") : path;
  for (;;) {
    try {
      makeDirectory(core, at, mode);
      break;
    } catch (caught) {
      const code = codeOf(caught);
      if (code === "EEXIST" && isDirectoryAt(core, at)) {
        if (missing.length === 0) return undefined;
        break;
      }
      const slash = at.lastIndexOf("/");
      if (code !== "ENOENT" || slash < 0) {
        const isBelow = missing.length > 0 && code === "EEXIST";
        const context = { syscall: "mkdir", path: shownPath(given) };
        throw errorOfCall(isBelow ? caught : caught, context);
      }
      missing.push(at);
      at = at.slice(0, slash) || "/";
    }
  }
  let first: string | undefined;
  if (missing.length === 0) first = at;
  for (const next of missing.reverse()) {
    first ??= next;
    attempt("mkdir", given, undefined, () => makeDirectory(core, next, mode));
  }
  return first;
}

function isDirectoryAt(core: Core, path: string): boolean {
  const place = core.resolve(path, true);
  return exists(place) && inspect(core, path, { follow: true, bigint: false }).isDirectory();
}
