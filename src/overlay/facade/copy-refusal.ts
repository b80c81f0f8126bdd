import { constants } from "node:os";
import { systemError } from "./system-error.ts";

const { errno } = constants;

/** Why two paths cannot be copied onto each other. */
export type CopyRefusal = "same" | "below" | "directory over" | "over directory" | "not recursive";

/** What a refusal is about. */
export interface RefusedCopy {
  readonly source: string;
  readonly target: string;
  /**
   * `plain` is `cpSync` of releases that check in C++: an error without `errno` and `path`. The
   * other two differ in a number only.
   */
  readonly form: "plain" | "sync" | "async";
}

/** The error with which `cp` refuses a copy. */
export function copyRefusal(kind: CopyRefusal, copy: RefusedCopy): Error {
  return copy.form === "plain" ? plainRefusal(kind, copy) : fullRefusal(kind, copy);
}

function plainRefusal(kind: CopyRefusal, { source, target }: RefusedCopy): Error {
  const directory = source.endsWith("/") ? source : `${source}/`;
  const make = (code: string, message: string): Error =>
    Object.assign(new Error(message), { code });
  switch (kind) {
    case "same":
      return make("ERR_FS_CP_EINVAL", `src and dest cannot be the same ${target}`);
    case "below":
      return make(
        "ERR_FS_CP_EINVAL",
        `Cannot copy ${directory} to a subdirectory of self ${target}`,
      );
    case "directory over":
      return make(
        "ERR_FS_CP_DIR_TO_NON_DIR",
        `Cannot overwrite non-directory ${target} with directory ${source}`,
      );
    case "over directory":
      return make(
        "ERR_FS_CP_NON_DIR_TO_DIR",
        `Cannot overwrite directory ${target} with non-directory ${source}`,
      );
    case "not recursive":
      return make(
        "ERR_FS_EISDIR",
        `Recursive option not enabled, cannot copy a directory: ${directory}`,
      );
  }
}

function fullRefusal(kind: CopyRefusal, { source, target, form }: RefusedCopy): Error {
  const atTarget = { path: target, syscall: "cp" } as const;
  switch (kind) {
    case "same":
      return systemError("ERR_FS_CP_EINVAL", {
        ...atTarget,
        message: "src and dest cannot be the same",
        errno: errno.EINVAL,
        code: "EINVAL",
      });
    case "below":
      return systemError("ERR_FS_CP_EINVAL", {
        ...atTarget,
        message: `cannot copy ${source} to a subdirectory of self ${target}`,
        errno: errno.EINVAL,
        code: "EINVAL",
      });
    case "directory over":
      return systemError("ERR_FS_CP_DIR_TO_NON_DIR", {
        ...atTarget,
        message: `cannot overwrite non-directory ${target} with directory ${source}`,
        errno: errno.EISDIR,
        code: "EISDIR",
      });
    case "over directory":
      return systemError("ERR_FS_CP_NON_DIR_TO_DIR", {
        ...atTarget,
        message: `cannot overwrite directory ${target} with non-directory ${source}`,
        errno: errno.ENOTDIR,
        code: "ENOTDIR",
      });
    case "not recursive":
      return systemError("ERR_FS_EISDIR", {
        message: `${source} is a directory (not copied)`,
        path: source,
        syscall: "cp",
        // So it is in Node: the two forms differ.
        errno: form === "sync" ? errno.EINVAL : errno.EISDIR,
        code: "EISDIR",
      });
  }
}
