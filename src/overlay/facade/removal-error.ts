import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { nodeHabits } from "../../disk/node/node-habits.ts";
import { fileSystemError, isSystemError } from "../file-system-error.ts";

/** Refusals of `rmSync` that Node 23 and later knows by name, in the words of the C++ library. */
const removalTexts: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "Directory not empty",
  EPERM: "Operation not permitted",
};

/** Words of the C++ library where they differ from libuv's by more than their first letter. */
const otherTexts: Readonly<Record<string, string>> = {
  EBUSY: "Device or resource busy",
  EINVAL: "Invalid argument",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
  EROFS: "Read-only file system",
};

const unknownErrno = -4094;

/**
 * The error of `rmSync` as the running Node words it. Where that is written in C++, it names the
 * whole tree, with a positive `errno`. Refusals of our own keep their words.
 *
 * @param path the path as it was given.
 */
export function removalError(error: unknown, path: string): unknown {
  if (!nodeHabits.removeSyncIsNative || !isSystemError(error)) return error;
  const { code, syscall } = error;
  if (syscall === undefined || syscall === "lstat" || isOurs(error)) return error;
  const text = removalTexts[code];
  if (text === undefined) {
    const message = `, Unknown error: ${otherTexts[code] ?? textOf(error.errno)} '${path}'`;
    return Object.assign(new Error(message), details(unknownErrno, "", path));
  }
  const shown = nodeHabits.removeSyncNamesPathTwice ? ` ${path}` : "";
  const { errno } = constants;
  const number = errno[code as keyof typeof errno];
  const message = `${code}, ${text}:${shown} '${path}'`;
  return Object.assign(new Error(message), details(number, code, path));
}

function details(errno: number, code: string, path: string) {
  return { errno, code, syscall: "rm", path };
}

/** Whether an error says more than that the system refuses. */
function isOurs({ code, syscall = "", path, message }: NodeJS.ErrnoException): boolean {
  return message !== fileSystemError(code ?? "", { syscall, path }).message;
}

function textOf(errno: number | undefined): string {
  const text = getSystemErrorMap().get(errno ?? 0)?.[1] ?? "Unknown error";
  return text[0]?.toUpperCase() + text.slice(1);
}
