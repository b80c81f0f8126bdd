/** Whether an error of the file system says that nothing lies at a path. */
export function isAbsence(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Whether an error of the file system says that this user may not do it. */
export function isDenied(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EACCES";
}
