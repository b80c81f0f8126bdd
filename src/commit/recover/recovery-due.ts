import { bootIdOf } from "../../disk/process-identity.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalState } from "../journal/journal.ts";
import { isLoss } from "./lost-record.ts";

/**
 * The last operation, where it is whole on the disk; `undefined` where it may not be: it was cut
 * off, or the machine has been started anew before it was settled, or a power cut has torn its
 * record. Looks without a lock, so a running operation counts too.
 */
export function lookIfWhole(store: CommitStore): JournalState | undefined {
  const { disk, journal } = store;
  const bootId = bootIdOf(disk);
  if (journal.notes.hasBeenCut(bootId)) return undefined;
  try {
    const state = journal.look(bootId);
    const isWhole = state.progress === "applied" || state.progress === "settled";
    return isWhole || state.sequence === 0 ? state : undefined;
  } catch (error) {
    if (isLoss(store, error)) return undefined;
    throw error;
  }
}
