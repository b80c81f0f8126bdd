import type { Disk } from "../../disk/disk.ts";
import type { StateDirectory } from "../../disk/state/state-directory.ts";
import { journalStuckMs } from "../../limits.ts";
import { openCommitStore } from "../commit-store.ts";
import { lookIfWhole } from "./recovery-due.ts";

/**
 * Whether the last operation on a root was cut off and has been left like that for a minute: nobody
 * has opened the root since, or could not finish it. Only looks.
 */
export function isJournalStuck(disk: Disk, state: StateDirectory, nowMs: number): boolean {
  if (disk.lstat(state.journal) === undefined || isWhole(disk, state)) return false;
  const files = [state.journalCurrent, state.journalSlots, state.journalProgress];
  const writtenMs = files.map((path) => Number((disk.lstat(path)?.mtimeNs ?? 0n) / 1_000_000n));
  return nowMs - Math.max(...writtenMs) > journalStuckMs;
}

function isWhole(disk: Disk, state: StateDirectory): boolean {
  try {
    return lookIfWhole(openCommitStore(disk, state)) !== undefined;
  } catch {
    // Damaged: whoever opens the root is told how.
    return false;
  }
}
