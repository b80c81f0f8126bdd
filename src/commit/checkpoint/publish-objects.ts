import { journalPackOf } from "../../disk/state/state-directory.ts";
import type { NewPack } from "../../objects/object-store.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type { StagedObjects } from "./staged-objects.ts";

/**
 * Brings the pack and the refs of a record into the checkpoint store. Derived data: nothing of it
 * is made durable here, and recovery does it again from the record. Idempotent.
 *
 * @param fresh what the caller, who has just made them, has of pack and refs.
 */
export function publishObjects(
  store: CommitStore,
  record: JournalRecord,
  fresh?: { readonly summary: NewPack; readonly staged: StagedObjects },
): void {
  const { disk, state, objects } = store;
  if (record.pack !== null) {
    const path = journalPackOf(state, record.pack.sequence);
    // Once settled the pack has left the journal; the store has it then.
    if (fresh !== undefined || disk.lstat(path) !== undefined) {
      objects.installPack(path, fresh?.summary, fresh?.staged.takeIndex());
    }
  }
  for (const { name, after } of record.refs) {
    if (after === null) objects.removeRef(name);
    else (fresh?.staged.takeRef(name) ?? objects.stageRef(name, after)).publish();
  }
}
