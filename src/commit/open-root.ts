import { openFlags } from "../disk/open-flags.ts";
import { bootIdOf } from "../disk/process-identity.ts";
import { ensureStateDirectory } from "../disk/state/state-directory.ts";
import { refuseStrangers } from "../disk/state/state-trust.ts";
import type { CommitStore } from "./commit-store.ts";
import type { JournalState } from "./journal/journal.ts";
import { type LockOptions, RootLock } from "./lock/lock.ts";
import { usingState } from "./lock/state-access.ts";
import { lastSequence } from "./recover/free-sequence.ts";
import { recoverLocked } from "./recover/recover.ts";
import { lookIfWhole } from "./recover/recovery-due.ts";

/** Tries to create the state directory against other processes that do the same. */
const creationAttemptsMax = 5;

/** A root that this process alone may change now. */
export interface OpenRoot {
  readonly lock: RootLock;
  /** The last operation, which is whole. */
  readonly last: JournalState;
}

/**
 * Takes the lock of a root and finishes what a dead process left in it, so that a new operation
 * starts from a whole tree.
 *
 * @throws {DraftError} `DRAFT_STATE_UNTRUSTED` to the superuser, in the state directory of somebody
 *   else; `DRAFT_STATE_UNUSABLE`, `DRAFT_LOCKED`, `DRAFT_ABORTED`, and as `recoverJournal` does.
 */
export async function openRoot(store: CommitStore, options: LockOptions = {}): Promise<OpenRoot> {
  // It may have come, or another one in its place, since the disk was opened.
  if (!store.trustsOwner) refuseStrangers(store.disk, store.state);
  createState(store);
  const lock = await RootLock.take(store.disk, store.state, options);
  try {
    let last = lookIfWhole(store);
    if (last === undefined) {
      await recoverLocked(store);
      last = store.journal.look(bootIdOf(store.disk));
    }
    if (last.sequence === 0) await syncState(store);
    // Another process may have added packs since this one looked.
    store.objects.refreshIfChanged();
    // Somebody may have moved the journal away: what the history has counted is not counted again.
    if (last.sequence === 0) last = { ...last, sequence: lastSequence(store) };
    return { lock, last };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function createState({ disk, state }: CommitStore): void {
  for (let attempt = 1; ; attempt++) {
    try {
      usingState(state, "write to", () => ensureStateDirectory(disk, state));
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "EEXIST" && code !== "ENOENT") throw error;
      if (attempt >= creationAttemptsMax) throw error;
    }
  }
}

/**
 * Makes a new state directory durable, itself and its name, before anything in it can count:
 * without its format file, a record that is durable could not be found.
 */
async function syncState({ disk, state }: CommitStore): Promise<void> {
  for (const path of [state.format, state.path, state.root]) {
    const descriptor = disk.open(path, openFlags.read);
    try {
      await disk.fsync(descriptor);
    } finally {
      disk.close(descriptor);
    }
  }
}
