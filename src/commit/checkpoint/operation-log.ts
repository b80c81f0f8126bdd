import { DraftError } from "../../errors.ts";
import { parseCommit } from "../../objects/commit-object.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import { parseTree } from "../../objects/tree.ts";
import { manifestFormat, type OperationManifest, operationsRef } from "./manifest.ts";

/** One operation of the log: a commit, an undo, a redo or a restore. */
export interface Checkpoint {
  /** The commit on the operations ref. */
  readonly id: ObjectId;
  /** The operation before it; `undefined` for the oldest one that is kept. */
  readonly previous: ObjectId | undefined;
  readonly manifest: OperationManifest;
}

/**
 * Reads one operation.
 *
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING`, `DRAFT_STORE_CORRUPT`, `DRAFT_FORMAT_NEWER`.
 */
export function readCheckpoint(store: ObjectStore, id: ObjectId): Checkpoint {
  const commit = parseCommit(store.read(id).bytes);
  const entry = parseTree(store.read(commit.tree).bytes).get("manifest.json");
  if (entry === undefined) throw damaged(id, "it holds no manifest");
  const [parent] = commit.parents;
  const previous = parent !== undefined && store.has(parent) ? parent : undefined;
  return { id, previous, manifest: parseManifest(id, store.read(entry.oid).bytes) };
}

/** The operations from the newest one on, each read when it is asked for. */
export function* checkpoints(store: ObjectStore): Generator<Checkpoint> {
  for (let id = store.readRef(operationsRef); id !== undefined; ) {
    const checkpoint = readCheckpoint(store, id);
    yield checkpoint;
    id = checkpoint.previous;
  }
}

function parseManifest(id: ObjectId, bytes: Buffer): OperationManifest {
  let manifest: OperationManifest;
  try {
    manifest = JSON.parse(bytes.toString("utf8")) as OperationManifest;
  } catch (error) {
    throw damaged(id, "its manifest is no JSON", error);
  }
  if (manifest.format === manifestFormat) return manifest;
  throw new DraftError(
    "DRAFT_FORMAT_NEWER",
    `Cannot read checkpoint ${id}: it has the format ${JSON.stringify(manifest.format)}, this ` +
      `draftfs reads ${JSON.stringify(manifestFormat)}. Update draftfs.`,
    { details: { id } },
  );
}

function damaged(id: ObjectId, reason: string, cause?: unknown): DraftError {
  return new DraftError(
    "DRAFT_STORE_CORRUPT",
    `Cannot read checkpoint ${id}: ${reason}. Run draftfs verify.`,
    { details: { id }, cause },
  );
}
