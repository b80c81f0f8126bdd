import { setTimeout as delay } from "node:timers/promises";
import type { TreePath } from "../../disk/tree-path.ts";
import { reasonOf } from "../../errors.ts";
import { recoveryPauseMs } from "../../limits.ts";
import { ChangedMeanwhile } from "../apply/last-look.ts";
import type { CommitStore } from "../commit-store.ts";
import { failure, isSystemError } from "../failure.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import { removeStaging } from "../stage/staging-place.ts";
import type { FinishReport } from "./finish.ts";
import { partTakenBack } from "./part-kept.ts";
import { dropStaged, takeBack } from "./take-back.ts";

/** What taking an operation back could not put back as it was. */
export type LeftBehind = Pick<FinishReport, "kept" | "parted">;

/**
 * Takes an operation back of which a step has failed, although no process and no power did. Tried
 * up to three times (`recovery_attempts`), at least once; a full disk gets the staged files' room
 * back before the second.
 *
 * @param failedIndex the step that failed; those after it were never begun.
 * @returns what could not be put back as it was.
 * @throws {DraftError} `DRAFT_RECOVERY_FAILED` when taking back fails as well. A record stays in
 *   force, and the next open goes on.
 */
export async function abortOperation(
  store: CommitStore,
  record: JournalRecord,
  failedIndex: number,
  cause: unknown,
): Promise<LeftBehind> {
  const { disk, state, journal } = store;
  const attempted: string[] = [];
  for (let attempt = 1; ; attempt++) {
    attempted.push(`take back operation ${record.sequence}`);
    try {
      if (attempt === 2) dropStaged(store, record);
      const begun = failedIndex + (hasChangedNothing(cause) ? 0 : 1);
      const options = { mayBeTorn: false, distrust: false };
      const { kept, parted } = await takeBack(store, record, begun, options);
      journal.notes.write("applied", record.sequence + 1, record.bootId);
      removeStaging(disk, state, record.sequence);
      await partTakenBack(store, record);
      return { kept, parted };
    } catch (error) {
      if (!isSystemError(error)) throw error;
      if (attempt < store.recoveryAttempts) {
        await delay(recoveryPauseMs * attempt);
        continue;
      }
      const reason = reasonOf(cause);
      throw failure(
        "DRAFT_RECOVERY_FAILED",
        `take back an unfinished change of ${state.root}`,
        error,
        {
          path: state.root,
          level: "system_failure",
          state:
            `It had failed for another reason (${reason}). Some files are changed, some are not. ` +
            "Mend the cause, then run draftfs recover or open the directory again.",
          details: { attempted, leftToPerson: ["mend the cause, then run draftfs recover"] },
        },
      );
    }
  }
}

/** What became of the tree, for the error that tells of the failed step. */
export function describeAbort({ kept, parted }: LeftBehind): string {
  const list = (paths: readonly TreePath[]): string =>
    paths.map((path) => JSON.stringify(path)).join(", ");
  const left = list(kept.map(({ path }) => path));
  const put =
    left === ""
      ? "Everything was put back as it was"
      : `What was changed was put back, except where somebody else has been meanwhile: ${left}`;
  if (parted.length === 0) return put;
  return `${put}, but names of a file with several are files of their own now: ${list(parted)}`;
}

/**
 * Whether a step failed because something lies where it would put something: it is somebody else's,
 * however much it looks like ours, and nothing of it is to be taken back.
 */
function hasChangedNothing(cause: unknown): boolean {
  if (cause instanceof ChangedMeanwhile) return true;
  return (cause as NodeJS.ErrnoException).code === "EEXIST";
}
