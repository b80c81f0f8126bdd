import type { Disk } from "../disk/disk.ts";
import type { StateDirectory } from "../disk/state/state-directory.ts";
import { recoveryAttemptsMax } from "../limits.ts";
import { ObjectStore } from "../objects/object-store.ts";
import { ContentIndex } from "./change-set/content-index.ts";
import { Journal } from "./journal/journal.ts";
import { RootLock } from "./lock/lock.ts";

/** A root as the commit pipeline sees it: its disk, its state directory and what lies in that. */
export interface CommitStore {
  readonly disk: Disk;
  readonly state: StateDirectory;
  readonly objects: ObjectStore;
  readonly journal: Journal;
  readonly contents: ContentIndex;
  /** How often a recovery is tried (`recovery_attempts`). */
  readonly recoveryAttempts: number;
  /** Whether what a commit owes is paid at once, in the background, and not by the next one. */
  readonly settlesEarly: boolean;
  /** Whether the superuser goes by the state directory whoever could have written to it. */
  readonly trustsOwner: boolean;
}

/** How a root is opened for commits; all of it optional. */
export interface StoreOptions {
  readonly recoveryAttempts?: number;
  readonly settlesEarly?: boolean;
  readonly trustsOwner?: boolean;
}

/** Opens a root for commits; touches nothing until something is asked of it. */
export function openCommitStore(
  disk: Disk,
  state: StateDirectory,
  {
    recoveryAttempts = recoveryAttemptsMax,
    settlesEarly = false,
    trustsOwner = false,
  }: StoreOptions = {},
): CommitStore {
  return {
    disk,
    state,
    objects: new ObjectStore(disk, state.checkpoints),
    journal: new Journal(disk, state),
    contents: new ContentIndex(),
    recoveryAttempts,
    settlesEarly,
    trustsOwner,
  };
}

/** Lets go of the files that are held open for it; they are opened again when they are needed. */
export function closeCommitStore({ disk, state, objects, journal }: CommitStore): void {
  objects.close();
  // It would open the root once more, after all was closed.
  journal.dropPayment();
  RootLock.forget(disk, state);
}
