import type { ObjectId } from "../../objects/object-id.ts";
import type { RecordedTree } from "../checkpoint/recorded-tree.ts";
import type { CommitStore } from "../commit-store.ts";
import type { CommitOptions } from "../options.ts";
import type { CommitPlan } from "./plan.ts";

/**
 * Tells which contents the store holds, so that the pack of an operation need not hold them again.
 * They are durable: what the operation before did is (I4) before a record with this pack is in
 * force, its own pack in the store included.
 *
 * Of a commit only what the last checkpoint has at a place that is changed now, which nothing cuts
 * off: looking through every pack for each new content would cost more than it saves. An undo,
 * redo or restore finds nearly all of its contents there.
 */
export function storedContents(
  { objects }: CommitStore,
  recorded: RecordedTree,
  { expectations }: CommitPlan,
  { operation = "commit" }: CommitOptions,
): (oid: ObjectId) => boolean {
  if (operation !== "commit" && operation !== "apply") {
    // What was found before the lock was held `gc` may have cut off since.
    objects.refresh();
    return (oid) => objects.has(oid);
  }
  const oids = new Set<ObjectId>();
  for (const { path, before } of expectations) {
    const oid = before?.state.kind === "file" ? recorded.findBlob(path) : undefined;
    if (oid !== undefined) oids.add(oid);
  }
  return (oid) => oids.has(oid);
}
