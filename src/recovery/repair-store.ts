import { mainRef, operationsRef } from "../commit/checkpoint/manifest.ts";
import { repairRefs, soundRef } from "../commit/checkpoint/repair-refs.ts";
import type { CommitStore } from "../commit/commit-store.ts";
import { repairBareRepository } from "../objects/bare-repository.ts";
import { parseCommit } from "../objects/commit-object.ts";
import type { ObjectId } from "../objects/object-id.ts";
import { readShallow, writeShallow } from "../objects/shallow.ts";

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
