import type { CommitStore } from "./commit-store.ts";
import { bootIdOf } from "./host.ts";

/**
 * Whether the last operation may not be whole on the disk: it was cut off, or the machine has been
 * started anew before it was settled. Looks without a lock, so a running operation counts too.
 */
export function isRecoveryDue({ disk, journal }: CommitStore): boolean {
  const sequence = journal.sequence();
  if (sequence === 0) return false;
  const progress = journal.progress(sequence, bootIdOf(disk));
  return progress !== "applied" && progress !== "settled";
}
