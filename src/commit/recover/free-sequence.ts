import { isDraftError } from "../../errors.ts";
import { checkpoints } from "../checkpoint/operation-log.ts";
import type { CommitStore } from "../commit-store.ts";

/** A number that no record has had, judging by all that records leave behind. */
export function freeSequence({ disk, state, objects, journal }: CommitStore): number {
  const numbers = [0, ...journal.slotSequences()];
  const namedAfter = (directory: string, pattern: RegExp): void => {
    if (disk.lstat(directory) === undefined) return;
    for (const { name } of disk.readdir(directory))
      numbers.push(Number(pattern.exec(name)?.[1] ?? 0));
  };
  namedAfter(state.journal, /^(\d+)\.pack$/);
  namedAfter(state.staging, /^commit-(\d+)$/);
  try {
    for (const { manifest } of checkpoints(objects)) {
      numbers.push(manifest.sequence);
      break;
    }
  } catch (error) {
    // The newest operation is what was torn.
    if (!isDraftError(error)) throw error;
  }
  return Math.max(...numbers) + 1;
}
