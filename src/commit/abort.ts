import type { CommitStore } from "./commit-store.ts";
import { failure } from "./failure.ts";
import { finishSteps } from "./finish.ts";
import { invertSteps } from "./invert-steps.ts";
import type { JournalRecord } from "./journal-record.ts";
import { publishObjects } from "./publish-objects.ts";
import { removeStaging } from "./staging-place.ts";

/**
 * Takes an operation back of which a step has failed, although no process and no power did.
 *
 * First a record that says so takes the place of the operation's own: from then on recovery takes
 * back what is left, not forward. It needs nothing but what the operation's pack holds already, so
 * that it works on a full disk too. Then its steps, the inverse of those that were begun, are
 * carried out with the same care as after a crash: the failed one may be half done.
 *
 * Settling (I4) is not needed in between: the new record covers everything the old one touched.
 *
 * @param failedIndex the step that failed; those after it were never begun.
 * @throws {DraftError} `DRAFT_RECOVERY_FAILED` when taking back fails as well. The record stays in
 *   force, and the next open tries again.
 */
export async function abortOperation(
  store: CommitStore,
  record: JournalRecord,
  failedIndex: number,
  cause: unknown,
): Promise<void> {
  const { disk, state, journal } = store;
  const sequence = record.sequence + 1;
  const begun = record.steps.slice(0, failedIndex + 1);
  const abort: JournalRecord = {
    ...record,
    sequence,
    kind: "abort",
    createdMs: Date.now(),
    refs: [],
    steps: invertSteps(begun, record.staging),
  };
  try {
    const descriptor = journal.writeNext(abort);
    try {
      await disk.fsync(descriptor);
    } finally {
      disk.close(descriptor);
    }
    journal.promote();
    await journal.syncNames();
    // Pre-images are read from the store; the refs are not moved.
    publishObjects(store, abort);
    finishSteps(store, abort, { mayBeTorn: false, distrust: false });
    journal.note("applied", sequence, record.bootId);
    removeStaging(disk, state, record.sequence);
  } catch (error) {
    throw failure("DRAFT_RECOVERY_FAILED", `take back a failed commit to ${state.root}`, error, {
      path: state.root,
      level: "system_failure",
      state:
        `It had failed for another reason (${messageOf(cause)}). Some files are changed and some ` +
        "are not. Mend the cause, then run draftfs recover or open the directory again.",
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
