import type { CommitStore } from "./commit-store.ts";
import { bootIdOf } from "./host.ts";
import { isLoss } from "./lost-record.ts";

/**
 * Whether the last operation may not be whole on the disk: it was cut off, or the machine has been
 * started anew before it was settled. Looks without a lock, so a running operation counts too.
 */
export function isRecoveryDue(store: CommitStore): boolean {
  const { disk, journal } = store;
  const bootId = bootIdOf(disk);
  if (journal.hasBeenCut(bootId)) return true;
  const sequence = findSequence(store);
  if (sequence === undefined) return true;
  if (sequence === 0) return false;
  const progress = journal.progress(sequence, bootId);
  return progress !== "applied" && progress !== "settled";
}

/** The number of the record in force; `undefined` where a power cut has torn it. */
function findSequence(store: CommitStore): number | undefined {
  try {
    return store.journal.sequence();
  } catch (error) {
    if (isLoss(store, error)) return undefined;
    throw error;
  }
}
