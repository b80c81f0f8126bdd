import { constants } from "../../disk/lower-classes.ts";
import type { Core } from "../core.ts";
import { credentials } from "../credentials.ts";
import { errorOfCall, Fault } from "../file-system-error.ts";
import { listDirectory } from "../inspect.ts";
import { removeDirectory, removeFile } from "../name-changes.ts";
import { openFile } from "../open.ts";
import { exists, isDirectory } from "../path-walk.ts";
import { optionsOf, type PathArgument, pathOf, shownPath } from "./arguments.ts";
import { attempt } from "./synchronous.ts";

/** The functions that work on whole files and trees. */
export function treeCalls(core: Core) {
  return {
    rm(path: PathArgument, options?: unknown): void {
      const target = pathOf(path);
      const { force, recursive } = optionsOf(options);
      const place = attempt("rm", path, undefined, () => core.resolve(target, false));
      if (!exists(place)) {
        if (force === true) return;
        throw errorOfCall(new Fault("ENOENT"), { syscall: "lstat", path: shownPath(path) });
      }
      if (isDirectory(place) && recursive !== true) throw directoryError(shownPath(path));
      attempt("rm", path, undefined, () => removeTree(core, target));
    },
    copyFile(source: PathArgument, target: PathArgument, mode = 0): void {
      const from = pathOf(source, "src");
      const to = pathOf(target, "dest");
      attempt("copyfile", source, target, () => copyFile(core, from, to, mode));
    },
  };
}

function removeTree(core: Core, path: string): void {
  const place = core.resolve(path, false);
  if (!isDirectory(place)) {
    removeFile(core, path);
    return;
  }
  for (const { name } of listDirectory(core, path)) removeTree(core, `${path}/${name}`);
  removeDirectory(core, path);
}

function directoryError(path: string): Error {
  const message = `Path is a directory: rm returned EISDIR (is a directory) ${path}`;
  const error = new Error(message) as NodeJS.ErrnoException;
  error.name = "SystemError";
  error.code = "ERR_FS_EISDIR";
  error.errno = 21;
  error.syscall = "rm";
  error.path = path;
  return error;
}

function copyFile(core: Core, from: string, to: string, mode: number): void {
  const { COPYFILE_EXCL, O_CREAT, O_EXCL, O_WRONLY, O_TRUNC } = constants;
  const source = openFile(core, from, constants.O_RDONLY, 0);
  const descriptor = core.descriptors.add(source);
  try {
    const permissions = core.modeOf(source);
    const exclusive = (mode & COPYFILE_EXCL) !== 0 ? O_EXCL : 0;
    const content = core.contentOf(source);
    const target = openFile(core, to, O_WRONLY | O_CREAT | exclusive, permissions & 0o777);
    if (target.node === source.node) return;
    openFile(core, to, O_WRONLY | O_TRUNC, 0);
    if (target.node?.kind === "file") {
      target.node.content = content;
      target.node.mode = (target.node.mode & ~0o777) | (permissions & 0o777 & ~credentials.umask);
    }
  } finally {
    core.descriptors.close(descriptor);
  }
}
