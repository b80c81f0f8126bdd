import { constants } from "node:os";
import { listDirectory } from "../calls/inspect.ts";
import { removeDirectory, removeFile } from "../calls/name-changes.ts";
import type { Core } from "../core.ts";
import { codeOf, errorOfCall } from "../file-system-error.ts";
import { type ExistingPlace, isDirectory } from "../path/path-walk.ts";
import { attempt } from "./attempt.ts";
import { systemError } from "./system-error.ts";

/** Options of `rm`, checked. */
export interface RemoveOptions {
  readonly force: boolean;
  readonly recursive: boolean;
  /** `rm` of the callback and promise forms takes a link with a slash at its end for done. */
  readonly passesLinks: boolean;
  /**
   * As `rmSync` written in C++: with both of the first two, a path that leads through a file is
   * taken for done, and what lies in a directory is removed before the directory itself is tried.
   */
  readonly isNative: boolean;
  /** Whether it is an error that the path cannot be looked at, with both of the first two too. */
  readonly looksFirst: boolean;
}

/** Removes a file or a tree. @throws as `fs.rm`. */
export function remove(core: Core, path: string, shown: string, options: RemoveOptions): void {
  const place = attempt("lstat", shown, undefined, () => find(core, path, options));
  if (place === undefined) return;
  if (place !== "unknown" && isDirectory(place) && !options.recursive) {
    throw systemError("ERR_FS_EISDIR", {
      code: "EISDIR",
      message: "is a directory",
      path: shown,
      syscall: "rm",
      errno: constants.errno.EISDIR,
    });
  }
  try {
    removeTree(core, path, shown, options.isNative);
  } catch (error) {
    const wasDirectory = place !== "unknown" && isDirectory(place);
    if (!options.passesLinks || !wasDirectory || codeOf(error) !== "ENOTDIR") throw error;
  }
}

/**
 * With both options `rmSync` does not look first: what cannot be looked at fails to be removed.
 */
function find(
  core: Core,
  path: string,
  { force, recursive, isNative, looksFirst }: RemoveOptions,
): ExistingPlace | "unknown" | undefined {
  try {
    return core.resolveExisting(path, false);
  } catch (caught) {
    if (force && codeOf(caught) === "ENOENT") return undefined;
    const isBoth = force && recursive && !looksFirst;
    if (isBoth && isNative && codeOf(caught) === "ENOTDIR") return undefined;
    if (isBoth && codeOf(caught) !== undefined) return "unknown";
    throw caught;
  }
}

/** Removes what is there; what is gone meanwhile is as good as removed. */
function removeTree(core: Core, path: string, shown: string, isNative: boolean): void {
  try {
    removePresent(core, path, shown, isNative);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function removePresent(core: Core, path: string, shown: string, isNative: boolean): void {
  if (!isDirectoryAt(core, path)) {
    attempt("unlink", shown, undefined, () => removeFile(core, path));
    return;
  }
  if (!isNative && tryRemoveDirectory(core, path, shown)) return;
  const entries = attempt("scandir", shown, undefined, () => listDirectory(core, path));
  for (const { name } of entries) {
    removeTree(core, `${path}/${name}`, `${shown}/${name}`, isNative);
  }
  attempt("rmdir", shown, undefined, () => removeDirectory(core, path));
}

/** A failed look is no failure yet: removing it as a file says what is wrong. */
function isDirectoryAt(core: Core, path: string): boolean {
  try {
    return isDirectory(core.resolve(path, "before slash"));
  } catch (caught) {
    if (codeOf(caught) === undefined) throw caught;
    return false;
  }
}

function tryRemoveDirectory(core: Core, path: string, shown: string): boolean {
  try {
    removeDirectory(core, path);
    return true;
  } catch (caught) {
    if (codeOf(caught) === "ENOTEMPTY") return false;
    throw errorOfCall(caught, { syscall: "rmdir", path: shown });
  }
}
