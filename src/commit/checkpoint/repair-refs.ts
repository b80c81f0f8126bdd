import { isDraftError } from "../../errors.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { CommitStore } from "../commit-store.ts";
import { mainRef, operationsRef } from "./manifest.ts";
import { type Checkpoint, readCheckpoint } from "./operation-log.ts";

/**
 * Sets the refs of the checkpoint store that are missing, torn, or name what the store has not, to
 * the newest operation that was decided.
 *
 * @returns the names of those that were set.
 */
export function repairRefs(store: CommitStore): string[] {
  const { objects } = store;
  const operations = soundRef(store, operationsRef);
  const main = soundRef(store, mainRef);
  if (operations !== undefined && main !== undefined) return [];
  const newest =
    operations === undefined ? findNewestOperation(store) : readCheckpoint(objects, operations);
  if (newest === undefined) return [];
  const repaired: string[] = [];
  if (main === undefined) {
    objects.updateRef(mainRef, newest.manifest.main);
    repaired.push(mainRef);
  }
  if (operations === undefined) {
    objects.updateRef(operationsRef, newest.id);
    repaired.push(operationsRef);
  }
  return repaired;
}

/** The commit that a ref names, when it names one that the store has. */
export function soundRef({ objects }: CommitStore, name: string): ObjectId | undefined {
  const oid = objects.readRef(name);
  return oid !== undefined && objects.has(oid) ? oid : undefined;
}

/**
 * The newest operation that was decided, judging by the journal, else by all that is in the store.
 */
export function findNewestOperation({ objects, journal }: CommitStore): Checkpoint | undefined {
  const record = journal.read();
  const decided = record?.refs.find(({ name }) => name === operationsRef)?.after;
  // All that were ever begun were taken back: their commits in the store are no part of the log.
  if (decided === null) return undefined;
  if (decided !== undefined && objects.has(decided)) return readCheckpoint(objects, decided);
  // An operation that was taken back has left its commit in the store, but is no part of the log.
  const takenBack = record?.kind === "abort" ? record.pack?.sequence : undefined;
  let newest: Checkpoint | undefined;
  for (const oid of objects.commits()) {
    const checkpoint = findOperation(objects, oid);
    if (checkpoint === undefined || checkpoint.manifest.sequence === takenBack) continue;
    if (newest === undefined || checkpoint.manifest.sequence > newest.manifest.sequence) {
      newest = checkpoint;
    }
  }
  return newest;
}

/** The operation that a commit records; `undefined` for the commits of the main chain. */
function findOperation(objects: CommitStore["objects"], oid: ObjectId): Checkpoint | undefined {
  try {
    return readCheckpoint(objects, oid);
  } catch (error) {
    if (isDraftError(error)) return undefined;
    throw error;
  }
}
