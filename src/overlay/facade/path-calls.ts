import type fs from "node:fs";
import { checkArguments, realFileSystem as real } from "../../disk/lower/lower-classes.ts";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { checkAccess, inspect, readLink, realPath } from "../calls/inspect.ts";
import { makeLink, makeSymlink, removeFile } from "../calls/name-changes.ts";
import { openFile } from "../calls/open.ts";
import { rename } from "../calls/rename.ts";
import type { Core } from "../core.ts";
import { asRealUser } from "../credentials.ts";
import { codeOf, errorOfCall } from "../file-system-error.ts";
import {
  encodeResult,
  encodingOf,
  flagsOf,
  isUrl,
  modeOf,
  type PathArgument,
  pathOf,
  shownPath,
  statOptionsOf,
  toldByNode,
} from "./arguments.ts";
import { attempt } from "./attempt.ts";
import { resolveRealPath } from "./real-path.ts";

const accessModeMax = 7;

/** The functions that look at or change one name. */
export function pathCalls(core: Core) {
  return {
    stat: (path: PathArgument, options?: unknown) => status(core, "stat", path, options),
    lstat: (path: PathArgument, options?: unknown) => status(core, "lstat", path, options),

    access(path: PathArgument, mode?: unknown): void {
      const target = pathOf(path);
      const wanted = accessModeOf(mode);
      attempt("access", path, undefined, () => asRealUser(() => checkAccess(core, target, wanted)));
    },

    readlink(path: PathArgument, options?: unknown): string | Buffer {
      const encoding = encodingOf(options);
      const target = pathOf(path, "link");
      const link = attempt("readlink", path, undefined, () => readLink(core, target));
      return encodeResult(link, encoding);
    },

    /** `fs.realpath` of the callback and synchronous API: resolved in JavaScript, by `lstat`. */
    realpath(path: PathArgument, options?: unknown): string | Buffer {
      const encoding = encodingOf(options);
      // Node makes a text of whatever it is given here.
      const target = pathOf(typeof path === "string" || isUrl(path) ? path : `${path}`);
      return encodeResult(resolveRealPath(core, target), encoding);
    },

    /** `fs.realpath.native` and `fs.promises.realpath`: resolved by the system. */
    nativeRealpath(path: PathArgument, options?: unknown): string | Buffer {
      const encoding = encodingOf(options);
      const target = pathOf(path);
      const found = attempt("realpath", path, undefined, () => realPath(core, target));
      return encodeResult(found, encoding);
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

    symlink(target: PathArgument, path: PathArgument, type?: unknown): void {
      const { text, at } = toldByNode(
        () => ({ text: pathOf(target, "target"), at: pathOf(path) }),
        () => real.symlinkSync(target as string, path as string, type as "file"),
      );
      if (type !== undefined && type !== null) checkLinkType(type);
      attempt("symlink", target, path, () => makeSymlink(core, text, at));
    },

    link(existingPath: PathArgument, newPath: PathArgument): void {
      const from = pathOf(existingPath, "existingPath");
      const to = pathOf(newPath, "newPath");
      attempt("link", existingPath, newPath, () => makeLink(core, from, to));
    },

    open(path: PathArgument, flags?: unknown, mode?: unknown): number {
      const [target, numeric, bits] = toldByNode(
        () => [pathOf(path), flagsOf(flags, "r"), modeOf(mode, 0o666)] as const,
        () => real.openSync(path as string, flags as string, mode as number),
      );
      return attempt("open", path, undefined, () =>
        core.descriptors.add(openFile(core, target, numeric, bits, { isLazy: true })),
      );
    },
  };
}

function status(
  core: Core,
  syscall: "stat" | "lstat",
  path: PathArgument,
  options: unknown,
): fs.Stats | fs.BigIntStats | undefined {
  const target = pathOf(path);
  const asked = statOptionsOf(options);
  const wanted = { follow: syscall === "stat", bigint: asked.bigint === true };
  try {
    return inspect(core, target, wanted);
  } catch (caught) {
    const code = codeOf(caught);
    if (asked.throwIfNoEntry === false && isNoEntry(code, syscall)) return undefined;
    throw errorOfCall(caught, { syscall, path: shownPath(path) });
  }
}

/** `ENOENT`, and in some releases of Node `ENOTDIR` too. */
function isNoEntry(code: string | undefined, syscall: "stat" | "lstat"): boolean {
  if (code !== "ENOTDIR") return code === "ENOENT";
  const { statSilencesNotDirectory, lstatSilencesNotDirectory } = nodeHabits;
  return syscall === "stat" ? statSilencesNotDirectory : lstatSilencesNotDirectory;
}

function accessModeOf(mode: unknown): number {
  if (mode === undefined || mode === null) return 0;
  const isPlain = typeof mode === "number" && mode >>> 0 === mode && mode <= accessModeMax;
  if (!isPlain) checkArguments((nowhere) => real.accessSync(nowhere, mode as number));
  return mode as number;
}

function checkLinkType(type: unknown): void {
  checkArguments((nowhere) => real.symlinkSync("x", nowhere, type as fs.symlink.Type));
}
