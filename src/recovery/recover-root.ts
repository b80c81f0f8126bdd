import type { CommitStore } from "../commit/commit-store.ts";
import { type LockOptions, RootLock } from "../commit/lock/lock.ts";
import { type RecoveryReport, recoverLocked } from "../commit/recover/recover.ts";
import { type RepairReport, repairStore } from "./repair-store.ts";

/** What recovery of a root found and did. */
export interface RootRecovery {
  /** The operation that a dead process may have left unfinished. */
  readonly journal: RecoveryReport;
  /** What of the checkpoint store had to be built again. */
  readonly store: RepairReport;
}

/**
 * Brings a root back into order after whatever has happened to it: finishes or takes back an
 * interrupted operation, then builds torn parts of the checkpoint store again. Idempotent.
 *
 * @returns `undefined` for a root that nothing was ever committed to.
 * @throws {DraftError} as `recoverJournal` does.
 */
export async function recoverRoot(
  store: CommitStore,
  options: LockOptions = {},
): Promise<RootRecovery | undefined> {
  if (store.disk.lstat(store.state.journal) === undefined) return undefined;
  const lock = await RootLock.take(store.disk, store.state, options);
  try {
    const journal = await recoverLocked(store);
    return { journal, store: await repairStore(store) };
  } finally {
    lock.release();
  }
}
