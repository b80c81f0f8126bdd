import { setTimeout as delay } from "node:timers/promises";
import { recoveryPauseMs } from "../limits.ts";
import type { CommitStore } from "./commit-store.ts";
import { failure, isSystemError } from "./failure.ts";
import type { JournalRecord } from "./journal-record.ts";
import type { KeptPlace } from "./kept-places.ts";
import { removeStaging } from "./staging-place.ts";
import { dropStaged, takeBack } from "./take-back.ts";

/**
 * Takes an operation back of which a step has failed, although no process and no power did. Tried
 * up to three times (`recovery_attempts`), at least once; a full disk gets the staged files' room
 * back before the second.
 *
 * @param failedIndex the step that failed; those after it were never begun.
 * @returns the places that somebody else has changed meanwhile, which were left as they are.
 * @throws {DraftError} `DRAFT_RECOVERY_FAILED` when taking back fails as well. A record stays in
 *   force, and the next open goes on.
 */
export async function abortOperation(
  store: CommitStore,
  record: JournalRecord,
  failedIndex: number,
  cause: unknown,
): Promise<readonly KeptPlace[]> {
  const { disk, state, journal } = store;
  const attempted: string[] = [];
  for (let attempt = 1; ; attempt++) {
    attempted.push(`take back operation ${record.sequence}`);
    try {
      if (attempt === 2) dropStaged(store, record);
      const begun = failedIndex + (hasChangedNothing(cause) ? 0 : 1);
      const options = { mayBeTorn: false, distrust: false };
      const { kept } = await takeBack(store, record, begun, options);
      journal.notes.write("applied", record.sequence + 1, record.bootId);
      removeStaging(disk, state, record.sequence);
      return kept;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (attempt < store.recoveryAttempts) {
        await delay(recoveryPauseMs * attempt);
        continue;
      }
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw failure("DRAFT_RECOVERY_FAILED", `take back a commit to ${state.root}`, error, {
        path: state.root,
        level: "system_failure",
        state:
          `It had failed for another reason (${reason}). Some files are changed, some are not. ` +
          "Mend the cause, then run draftfs recover or open the directory again.",
        details: { attempted, leftToPerson: ["mend the cause, then run draftfs recover"] },
      });
    }
  }
}

/**
 * Whether a step failed because something lies where it would put something: it is somebody else's,
 * however much it looks like ours, and nothing of it is to be taken back.
 */
function hasChangedNothing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === "EEXIST";
}
