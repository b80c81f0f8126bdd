import { DraftError, isDraftError } from "../../errors.ts";

/**
 * Reads a file of a state directory.
 *
 * @throws {DraftError} `DRAFT_FORMAT_CORRUPT` where a directory lies in its place: the system's own
 *   error does not name it.
 */
export function readingStateFile<Result>(path: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EISDIR") throw error;
    throw new DraftError(
      "DRAFT_FORMAT_CORRUPT",
      `Cannot read ${path}: a directory lies there, in place of a file of draftfs. Nothing was ` +
        "touched. Move it away, and put the file back from a backup if there is one. " +
        "docs/recovery.md says what is lost without it.",
      { path, cause: error, details: { level: "critical_failure" } },
    );
  }
}

/**
 * Does what puts a file of a state directory in its place, or takes one away.
 *
 * @throws {DraftError} `DRAFT_FORMAT_CORRUPT` where a directory lies there; see
 *   {@link isDirectoryInPlace}.
 */
export function replacingStateFile(path: string, replace: () => void): void {
  try {
    replace();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EISDIR") throw error;
    throw new DraftError(
      "DRAFT_FORMAT_CORRUPT",
      `Cannot write ${path}: a directory lies there, in place of a file of draftfs. ` +
        "Move it away: draftfs makes this file anew.",
      { path, cause: error, details: { level: "system_failure", directoryInPlace: true } },
    );
  }
}

/** Whether {@link replacingStateFile} says so: the system's doing, which a user can put right. */
export function isDirectoryInPlace(error: unknown): boolean {
  return isDraftError(error) && error.details["directoryInPlace"] === true;
}
