import { isAbsolute } from "node:path";
import { lacksInodes } from "../disk/node/inodes.ts";
import { DraftError, type DraftErrorCode, reasonOf } from "../errors.ts";

/**
 * How far a failure reaches, and with it what has to be put right.
 *
 * - `operation_failure`: nothing had been changed yet; what was prepared is gone, the changes are
 *   still pending. Try again, or another way.
 * - `transaction_failure`: a step failed in the middle; the whole transaction was taken back.
 * - `system_failure`: permissions or resources did not let it be finished or taken back; it is
 *   tried again at the next open, and ends in the last good state.
 * - `critical_failure`: journal or store are damaged, which no crash does. Nothing is touched any
 *   more until a person has looked.
 */
export type RecoveryLevel =
  | "operation_failure"
  | "transaction_failure"
  | "system_failure"
  | "critical_failure";

/** What an error of the operating system asks a person to do. */
const advice: Readonly<Record<string, string>> = {
  EACCES: "Check the permissions of the file and of its directory.",
  EPERM: "Check who owns it, and whether it is marked immutable (lsattr).",
  EROFS: "The file system is mounted read-only; mount it writable.",
  ENOSPC: "The disk is full; free some space.",
  EDQUOT: "Your quota is used up; free some space.",
  EMFILE: "This process has too many files open; raise its limit (ulimit -n).",
  ENFILE: "The system has too many files open; wait, or raise its limit.",
  EIO: "The disk reports errors; save what you can and check it.",
  EBUSY: "Something holds it: a mount, or another program. Let go of it.",
  EXDEV: "A mount lies in between: use a root on either side of it.",
  ENAMETOOLONG: "The file system does not take names that long.",
};

const inodeAdvice =
  "The file system has no inodes left for more files, though it has room for bytes (df -i): " +
  "free some by removing files.";

/** The error for something that failed, with the path as the user knows it and what to do. */
export function failure(
  code: DraftErrorCode,
  attempted: string,
  cause: unknown,
  facts: {
    readonly path: string;
    readonly level: RecoveryLevel;
    /** How things stand now; a sentence. */
    readonly state: string;
    /** What to do, where it is known better than by the error. */
    readonly help?: string | undefined;
    readonly details?: Readonly<Record<string, unknown>>;
  },
): DraftError {
  const system = (cause as NodeJS.ErrnoException | undefined)?.code;
  const reason = system ?? reasonOf(cause);
  const help = facts.help ?? adviceOn(system ?? "", cause, facts.path);
  const message = `Cannot ${attempted}: ${reason}. ${facts.state}`;
  return new DraftError(code, help === undefined ? message : `${message} ${help}`, {
    path: facts.path,
    cause,
    details: { level: facts.level, ...(help === undefined ? {} : { help }), ...facts.details },
  });
}

function adviceOn(code: string, cause: unknown, path: string): string | undefined {
  const places = [path, (cause as NodeJS.ErrnoException).path].filter(
    (place) => place !== undefined && isAbsolute(place),
  );
  const isForWantOfInodes = code === "ENOSPC" && places.some((place) => lacksInodes(`${place}`));
  return isForWantOfInodes ? inodeAdvice : advice[code];
}

/** Whether an error comes from the operating system, so that another attempt may go better. */
export function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === "string";
}
