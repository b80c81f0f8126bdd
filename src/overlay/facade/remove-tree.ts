import { constants } from "node:os";
import type { Core } from "../core.ts";
import { codeOf, errorOfCall, Fault } from "../file-system-error.ts";
import { listDirectory } from "../inspect.ts";
import { removeDirectory, removeFile } from "../name-changes.ts";
import { exists, isDirectory } from "../path-walk.ts";
import { attempt } from "./attempt.ts";
import { systemError } from "./system-error.ts";

/** Options of `rm`, checked. */
export interface RemoveOptions {
  readonly force: boolean;
  readonly recursive: boolean;
}

/** Removes a file or a tree. @throws as `fs.rm`. */
export function remove(core: Core, path: string, shown: string, options: RemoveOptions): void {
  const place = attempt("lstat", shown, undefined, () => find(core, path, options.force));
  if (place === undefined) return;
  if (isDirectory(place) && !options.recursive) {
    throw systemError("ERR_FS_EISDIR", {
      code: "EISDIR",
      message: "is a directory",
      path: shown,
      syscall: "rm",
      errno: constants.errno.EISDIR,
    });
  }
  removeTree(core, path, shown);
}

function find(core: Core, path: string, isOptional: boolean) {
  try {
    const place = core.resolve(path, false);
    if (exists(place)) return place;
  } catch (caught) {
    if (isOptional && codeOf(caught) === "ENOENT") return undefined;
    throw caught;
  }
  if (isOptional) return undefined;
  throw new Fault("ENOENT");
}

function removeTree(core: Core, path: string, shown: string): void {
  if (!isDirectory(core.resolve(path, false))) {
    attempt("unlink", shown, undefined, () => removeFile(core, path));
    return;
  }
  if (tryRemoveDirectory(core, path, shown)) return;
  const entries = attempt("scandir", shown, undefined, () => listDirectory(core, path));
  for (const { name } of entries) removeTree(core, `${path}/${name}`, `${shown}/${name}`);
  attempt("rmdir", shown, undefined, () => removeDirectory(core, path));
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
