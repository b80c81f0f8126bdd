import type { ChangeSet } from "./change-set/change-set.ts";
import type { CommitStore } from "./commit-store.ts";
import type { CommitOptions } from "./options.ts";
import { prepareCommit } from "./prepare.ts";
import type { CommitReceipt } from "./receipt.ts";

/**
 * Applies a change set to the tree, all of it or none, also across a crash at any point, and
 * records it as a checkpoint.
 *
 *   plan      the change set becomes steps; nothing is touched
 *   lock      one committer per root; what a dead one left is finished first
 *   check     every place is compared with what the changes are based on
 *   stage     new files are written aside, whole, with mode, owner and times; of a small commit
 *             while the commit point is waited for
 *   journal   pack and record are written and made durable; the rename of the record, made durable
 *             with its directory, is the commit point
 *   apply     renames, links and removals; no waiting for the device
 *   publish   pack and refs enter the checkpoint store
 *   settle    later: one syncfs, before the record may be replaced
 *
 * @throws {DraftError} `DRAFT_CONFLICT` when the tree has moved on; `DRAFT_COMMIT_FAILED` when a
 *   step failed and everything was put back; see {@link prepareCommit} and
 *   `PreparedCommit.publish`.
 */
export async function commitChangeSet(
  store: CommitStore,
  changeSet: ChangeSet,
  options: CommitOptions = {},
): Promise<CommitReceipt> {
  await using prepared = await prepareCommit(store, changeSet, options);
  return await prepared.publish();
}
