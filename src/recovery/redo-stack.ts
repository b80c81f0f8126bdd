import {
  type Checkpoint,
  checkpoints,
  readCheckpoint,
} from "../commit/checkpoint/operation-log.ts";
import type { ObjectId } from "../objects/object-id.ts";
import type { ObjectStore } from "../objects/object-store.ts";

/** How single operations of those that were undone are brought back. */
export interface PartialRedo {
  /** The operations that are brought back, newest first; some may have been forgotten. */
  readonly wanted: readonly { readonly id: ObjectId }[];
  /** What is to be taken back for that, one after the other: undos, and what stays undone. */
  readonly targets: readonly Checkpoint[];
}

/** An operation that was undone since the last commit. */
interface Undone {
  readonly id: ObjectId;
  /** Where the undo stands among the turns, counted from the newest one. */
  readonly at: number;
}

/**
 * Finds how to bring the last `count` undone operations back. As in an editor, those that were
 * undone last come first, the oldest of an undo of several, and a commit or restore after the undo
 * leaves nothing to redo.
 *
 * Taking back all undos and redos down to the undo that took the deepest of them leads to the tree
 * as it was then, in which others may be in effect that are to stay undone: those are taken back
 * again, newest first.
 *
 * @returns the number of operations that can be brought back this way, where it is less.
 */
export function findPartialRedo(store: ObjectStore, count: number): PartialRedo | number {
  const turns = turnsOf(store);
  const stack = redoStackOf(turns);
  const next = stack.slice(-count);
  if (next.length < count) return stack.length;
  const effects = effectsOf(turns);
  const wanted = next.map(({ id }) => id);
  const desired = [...wanted, ...[...effects].flatMap(([id, isIn]) => (isIn ? [id] : []))];
  const deepest = Math.max(...next.map(({ at }) => at));
  for (const [at, { manifest }] of turns.entries()) {
    for (const id of manifest.concerns) effects.set(id, manifest.operation === "undo");
    // What one of these undos took may have been brought back by a later redo, and is to stay.
    if (at < deepest || !desired.every((id) => effects.get(id) === true)) continue;
    const extra = [...effects].flatMap(([id, isIn]) => (isIn && !desired.includes(id) ? [id] : []));
    // Nobody knows any more how to take these back.
    if (!extra.every((id) => store.has(id))) continue;
    const kept = newestFirst(
      store,
      wanted.filter((id) => store.has(id)),
    );
    const forgotten = wanted.filter((id) => !store.has(id));
    return {
      wanted: [...kept, ...forgotten.map((id) => ({ id }))],
      targets: [...turns.slice(0, at + 1), ...newestFirst(store, extra)],
    };
  }
  // What was undone before the last commit, and brought back since by its name, is in the way.
  return 0;
}

/** The undos and redos since the last commit or restore, newest first. */
function turnsOf(store: ObjectStore): Checkpoint[] {
  const turns: Checkpoint[] = [];
  for (const checkpoint of checkpoints(store)) {
    const { operation } = checkpoint.manifest;
    if (operation !== "undo" && operation !== "redo") break;
    turns.push(checkpoint);
  }
  return turns;
}

/** The operations that are undone, the one that a redo brings back next at the end. */
function redoStackOf(turns: readonly Checkpoint[]): Undone[] {
  let stack: Undone[] = [];
  for (const [at, { manifest }] of [...turns.entries()].reverse()) {
    stack = stack.filter(({ id }) => !manifest.concerns.includes(id));
    if (manifest.operation === "undo") stack.push(...manifest.concerns.map((id) => ({ id, at })));
  }
  return stack;
}

/** Whether each operation that the turns concern is in effect: the newest word on it counts. */
function effectsOf(turns: readonly Checkpoint[]): Map<ObjectId, boolean> {
  const effects = new Map<ObjectId, boolean>();
  for (const { manifest } of turns.toReversed()) {
    for (const id of manifest.concerns) effects.set(id, manifest.operation === "redo");
  }
  return effects;
}

function newestFirst(store: ObjectStore, ids: readonly ObjectId[]): Checkpoint[] {
  const found = ids.map((id) => readCheckpoint(store, id));
  return found.sort((a, b) => b.manifest.sequence - a.manifest.sequence);
}
