import { isDraftError } from "../../errors.ts";
import { checkpoints } from "../checkpoint/operation-log.ts";
import type { CommitStore } from "../commit-store.ts";

/** A number that no record has had, judging by all that records leave behind. */
export function freeSequence(store: CommitStore): number {
  const { disk, state, journal } = store;
  const numbers = [newestInHistory(store) ?? 0, ...journal.slotSequences()];
  const namedAfter = (directory: string, pattern: RegExp): void => {
    if (disk.lstat(directory) === undefined) return;
    for (const { name } of disk.readdir(directory))
      numbers.push(Number(pattern.exec(name)?.[1] ?? 0));
  };
  namedAfter(state.journal, /^(\d+)\.pack$/);
  namedAfter(state.staging, /^commit-(\d+)$/);
  return Math.max(...numbers) + 1;
}

/**
 * The last number that was used, where the journal holds no record. Without a history it is 0: then
 * what lies there is of a first operation that died before its record, and the next one, which is
 * the first again, clears it away.
 */
export function lastSequence(store: CommitStore): number {
  return newestInHistory(store) === 0 ? 0 : freeSequence(store) - 1;
}

/** 0 where there is no history; `undefined` where the newest operation is what was torn. */
function newestInHistory({ objects }: CommitStore): number | undefined {
  try {
    for (const { manifest } of checkpoints(objects)) return manifest.sequence;
    return 0;
  } catch (error) {
    if (!isDraftError(error)) throw error;
    return undefined;
  }
}
