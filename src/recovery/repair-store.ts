import type { CommitStore } from "../commit/commit-store.ts";
import { mainRef, operationsRef } from "../commit/manifest.ts";
import { isDraftError } from "../errors.ts";
import { repairBareRepository } from "../objects/bare-repository.ts";
import { parseCommit } from "../objects/commit-object.ts";
import type { ObjectId } from "../objects/object-id.ts";
import { readShallow, writeShallow } from "../objects/shallow.ts";
import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";

/** What was built again. */
export interface RepairReport {
  /** Packs whose index was missing or damaged. */
  readonly indexes: readonly string[];
  /** Refs that were missing or torn. */
  readonly refs: readonly string[];
  /** Whether the list of cut-off commits was missing or torn. */
  readonly shallow: boolean;
}

/**
 * Builds what is derived in the checkpoint store again, where a power cut has torn it: repository
 * files, indexes, refs and the list of cut-off commits. Everything follows from the journal and the
 * packs, which are made durable before anything rests on them. Cheap when nothing is amiss.
 *
 * The caller holds the lock of the root, or is alone.
 */
export async function repairStore(store: CommitStore): Promise<RepairReport> {
  const { disk, objects } = store;
  if (disk.lstat(objects.path) === undefined) return { indexes: [], refs: [], shallow: false };
  repairBareRepository(disk, objects.path);
  objects.refresh();
  const indexes = objects.repairIndexes();
  const refs = repairRefs(store);
  const shallow = await repairShallow(store);
  return { indexes, refs, shallow };
}

function repairRefs(store: CommitStore): string[] {
  const { objects } = store;
  const operations = soundRef(store, operationsRef);
  const main = soundRef(store, mainRef);
  if (operations !== undefined && main !== undefined) return [];
  const newest = operations === undefined ? findNewest(store) : readCheckpoint(objects, operations);
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
function soundRef({ objects }: CommitStore, name: string): ObjectId | undefined {
  const oid = objects.readRef(name);
  return oid !== undefined && objects.has(oid) ? oid : undefined;
}

/**
 * The newest operation that was decided, judging by the journal, else by all that is in the store.
 */
function findNewest({ objects, journal }: CommitStore): Checkpoint | undefined {
  const record = journal.read();
  const decided = record?.refs.find(({ name }) => name === operationsRef)?.after;
  if (decided !== undefined && decided !== null && objects.has(decided))
    return readCheckpoint(objects, decided);
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

async function repairShallow(store: CommitStore): Promise<boolean> {
  const { disk, objects } = store;
  const needed = new Set<ObjectId>();
  for (const name of [mainRef, operationsRef]) {
    for (let oid = soundRef(store, name); oid !== undefined; ) {
      const [parent] = parseCommit(objects.read(oid).bytes).parents;
      if (parent !== undefined && !objects.has(parent)) {
        needed.add(oid);
        break;
      }
      oid = parent;
    }
  }
  const present = readShallow(disk, objects.path);
  if ([...needed].every((oid) => present.has(oid))) return false;
  await writeShallow(
    disk,
    objects.path,
    new Set([...present, ...needed].filter(isStored(objects))),
  );
  return true;
}

function isStored(objects: CommitStore["objects"]): (oid: ObjectId) => boolean {
  return (oid) => objects.has(oid);
}
