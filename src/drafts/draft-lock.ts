import { RootLock } from "../commit/lock/lock.ts";
import { usingState } from "../commit/lock/state-access.ts";
import type { Disk } from "../disk/disk.ts";
import { ensureStateDirectory, type StateDirectory } from "../disk/state/state-directory.ts";
import { DraftError, isDraftError } from "../errors.ts";
import { draftLockWaitMs } from "../limits.ts";
import { sweepLockDebris } from "./lock-debris.ts";

/**
 * Takes the lock of the draft `name` for as long as this process changes it, and makes the
 * directories that it lies in.
 *
 * @throws {DraftError} `DRAFT_LOCKED` when another process keeps it, `DRAFT_STATE_UNUSABLE` when
 *   nothing can be written there.
 */
export async function holdDraftLock(
  disk: Disk,
  state: StateDirectory,
  name: string,
): Promise<RootLock> {
  const directory = `${state.drafts}/${name}`;
  const lock = `${directory}/lock`;
  usingState(state, "write to", () => ensureStateDirectory(disk, state));
  for (let attempt = 1; ; attempt++) {
    try {
      usingState(state, "write to", () => makeDirectory(disk, directory));
      const held = await RootLock.take(
        disk,
        { ...state, lock },
        {
          waitMs: draftLockWaitMs,
          // Held for as long as commands run, which is when containers end.
          nativeSavingUs: Number.POSITIVE_INFINITY,
        },
      );
      sweepLockDebris(disk, directory);
      return held;
    } catch (error) {
      if (isDraftError(error)) {
        throw error.code === "DRAFT_LOCKED" ? lockedError(name, lock, error) : error;
      }
      // A process that closes an empty draft removes its directory, perhaps right after we made it.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || attempt === 10) throw error;
    }
  }
}

function lockedError(name: string, path: string, cause: DraftError): DraftError {
  const { pid, host, advice } = cause.details;
  const who = typeof pid === "number" && pid > 0 ? `process ${pid} on ${host}` : "another process";
  return new DraftError(
    "DRAFT_LOCKED",
    `The draft ${name} is in use by ${who}. ${advice} Or use another draft with --draft NAME.`,
    { path, cause, details: { ...cause.details, draft: name } },
  );
}

function makeDirectory(disk: Disk, path: string): void {
  try {
    disk.mkdir(path, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
