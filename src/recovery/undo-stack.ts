import { type Checkpoint, checkpoints } from "../commit/checkpoint/operation-log.ts";
import type { ObjectId } from "../objects/object-id.ts";
import type { ObjectStore } from "../objects/object-store.ts";

/**
 * Which operations are in effect follows from the log alone: an undo takes its `concerns` out of
 * effect, a redo brings them back, and for each operation the newest word on it counts. Undo and
 * redo are never themselves in effect: undoing an undo is a redo.
 */

/**
 * The operations that `undo` takes back next, newest first; fewer when there are no more. A redo
 * stands for what it has brought back where that itself has been forgotten.
 */
export function findUndoable(store: ObjectStore, count: number): Checkpoint[] {
  const isInEffect = new Map<ObjectId, boolean>();
  const replaced = new Set<ObjectId>();
  const found: Checkpoint[] = [];
  for (const checkpoint of checkpoints(store)) {
    if (found.length === count) break;
    const { operation, concerns } = checkpoint.manifest;
    if (operation === "undo" || operation === "redo") {
      const standsIn = concerns.every(
        (id) => isInEffect.get(id) !== false && !store.has(id) && !replaced.has(id),
      );
      if (operation === "redo" && standsIn) {
        found.push(checkpoint);
        for (const id of concerns) replaced.add(id);
      }
      hear(isInEffect, concerns, operation === "redo");
    } else if (isInEffect.get(checkpoint.id) !== false) {
      found.push(checkpoint);
    }
  }
  return found;
}

/**
 * The undo whose effect `redo` reverses next, `undefined` when there is none. As in an editor, a
 * commit or restore after the undo leaves nothing to redo.
 */
export function findRedoable(store: ObjectStore): Checkpoint | undefined {
  const isInEffect = new Map<ObjectId, boolean>();
  for (const checkpoint of checkpoints(store)) {
    const { operation, concerns } = checkpoint.manifest;
    if (operation === "commit" || operation === "restore") return undefined;
    if (operation === "undo" && concerns.some((id) => !isInEffect.has(id))) return checkpoint;
    hear(isInEffect, concerns, operation === "redo");
  }
  return undefined;
}

/** Whether every one of these operations is out of effect. */
export function isUndone(store: ObjectStore, ids: readonly ObjectId[]): boolean {
  const isInEffect = new Map<ObjectId, boolean>();
  for (const checkpoint of checkpoints(store)) {
    const { operation, concerns } = checkpoint.manifest;
    if (operation === "undo" || operation === "redo") {
      hear(isInEffect, concerns, operation === "redo");
    }
    if (ids.every((id) => isInEffect.has(id))) break;
  }
  return ids.every((id) => isInEffect.get(id) === false);
}

function hear(
  isInEffect: Map<ObjectId, boolean>,
  concerns: readonly ObjectId[],
  value: boolean,
): void {
  for (const id of concerns) if (!isInEffect.has(id)) isInEffect.set(id, value);
}

/** The operations that taking one back concerns: those which a redo has brought back. */
export function concernedBy({ id, manifest }: Checkpoint): readonly { readonly id: ObjectId }[] {
  return manifest.operation === "redo" ? manifest.concerns.map((each) => ({ id: each })) : [{ id }];
}
