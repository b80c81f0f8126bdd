import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

/** The bytes of a file that a user names; `-` is standard input. */
export function readPlainFile(path: string): Buffer {
  return readFileSync(path === "-" ? 0 : path);
}

/**
 * Writes a file that a user names, whole or not at all. Follows no link at that name.
 *
 * @throws Node's errors, about the name that the user knows.
 */
export function writePlainFile(path: string, bytes: Uint8Array): void {
  const next = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    writeFileSync(next, bytes, { flag: "wx" });
    renameSync(next, path);
  } catch (error) {
    rmSync(next, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = message.replaceAll(next, path);
    throw Object.assign(new Error(`Cannot write ${path}: ${reason}`), { code, path, cause: error });
  }
}
