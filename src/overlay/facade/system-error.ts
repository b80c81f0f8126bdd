/** Texts of the errors that `cp` and `rm` raise by themselves. */
const prefixes = {
  ERR_FS_EISDIR: "Path is a directory",
  ERR_FS_CP_EINVAL: "Invalid src or dest",
  ERR_FS_CP_DIR_TO_NON_DIR: "Cannot overwrite non-directory with directory",
  ERR_FS_CP_NON_DIR_TO_DIR: "Cannot overwrite directory with non-directory",
  ERR_FS_CP_EEXIST: "Target already exists",
  ERR_FS_CP_FIFO_PIPE: "Cannot copy a FIFO pipe",
  ERR_FS_CP_SOCKET: "Cannot copy a socket file",
  ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY: "Cannot overwrite symlink in subdirectory of self",
  ERR_FS_CP_UNKNOWN: "Cannot copy an unknown file type",
} as const;

/** What a {@link systemError} tells. */
export interface SystemErrorInfo {
  readonly code: string;
  readonly message: string;
  readonly path: string;
  readonly syscall: "cp" | "rm";
  /** Positive, unlike in other errors of `node:fs`. */
  readonly errno: number;
}

/** Node's `SystemError`: an error whose `info` holds what a system call would have said. */
export function systemError(code: keyof typeof prefixes, info: SystemErrorInfo): Error {
  const { syscall, message, path, errno } = info;
  const text = `${prefixes[code]}: ${syscall} returned ${info.code} (${message}) ${path}`;
  const error = new Error(text);
  Object.defineProperty(error, "name", {
    value: "SystemError",
    enumerable: false,
    writable: true,
    configurable: true,
  });
  return Object.assign(error, { code, info, errno, syscall, path });
}
