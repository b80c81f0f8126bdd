import { absoluteOf } from "../../disk/tree-path.ts";
import { publishObjects } from "../checkpoint/publish-objects.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import { invertSteps } from "../plan/invert-steps.ts";
import { type FinishOptions, type FinishReport, finishSteps } from "./finish.ts";

/**
 * Takes an operation back, wholly or as far as it was begun.
 *
 * First a record that says so takes the place of the operation's own: from then on recovery takes
 * back what is left, not forward. It needs no bytes but those that the store holds, with the pack
 * of the operation. Then its steps, the inverse of those begun, are carried out with the same care
 * as after a crash: the last one may be half done.
 *
 * Settling (I4) is not needed in between: the new record covers everything that the old one
 * touched.
 *
 * @param begun how many steps were begun.
 * @throws whatever the disk says. Whichever record is in force then, the next recovery goes on.
 */
export async function takeBack(
  store: CommitStore,
  record: JournalRecord,
  begun: number,
  options: FinishOptions,
): Promise<FinishReport> {
  const { journal } = store;
  // Its own is what it has written by now, in place after all was staged.
  const { stagedByMs: _, ...kept } = record;
  const abort: JournalRecord = {
    ...kept,
    sequence: record.sequence + 1,
    kind: "abort",
    createdMs: Date.now(),
    // A recovery that got as far as publishing has moved them already.
    refs: record.refs.map(({ name, before, after }) => ({ name, before: after, after: before })),
    steps: invertSteps(record.steps, record.staging, begun),
  };
  // I3: the record to come needs the pack as much as the one that it supersedes.
  await journal.keepPack(record.sequence);
  await journal.supersede(abort);
  // The pre-images are read from the store.
  publishObjects(store, abort);
  return finishSteps(store, abort, options);
}

/** Frees the room that files take which were staged and not put in place yet. */
export function dropStaged({ disk, state }: CommitStore, record: JournalRecord): void {
  for (const step of record.steps) {
    if (step.kind !== "install" && step.kind !== "write") continue;
    const place = absoluteOf(state.root, step.staged);
    // Large content has no other copy while the operation is not taken back.
    if (step.node.kind === "file" && step.node.stored !== "blob") continue;
    if (disk.lstat(place) !== undefined) disk.unlink(place);
  }
}
