import type { Before, Change, ChangeSet } from "../commit/change-set/change-set.ts";
import { OldPlaces } from "../commit/change-set/old-places.ts";
import type { ManifestChange, OperationKind } from "../commit/checkpoint/manifest.ts";
import {
  type Checkpoint,
  checkpoints,
  readCheckpoint,
} from "../commit/checkpoint/operation-log.ts";
import type { CommitStore } from "../commit/commit-store.ts";
import { diffLayer } from "../commit/diff/diff.ts";
import type { TreePath } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";
import type { ObjectId } from "../objects/object-id.ts";
import { openLayer } from "../overlay/layer.ts";
import { findCheckpoint } from "./find-checkpoint.ts";
import { invertPlainChanges } from "./invert.ts";
import { findPartialRedo } from "./redo-stack.ts";
import { Replay, type Tolerance } from "./replay.ts";
import { selectPaths } from "./select-paths.ts";
import { concernedBy, findRedoable, findUndoable, isUndone } from "./undo-stack.ts";

/** What an undo, redo or restore would do: a value to look at before it is carried out. */
export interface RecoveryPlan {
  readonly operation: Exclude<OperationKind, "commit">;
  readonly message: string;
  /** The operations taken back or brought back, newest first. */
  readonly concerns: readonly ObjectId[];
  readonly changeSet: ChangeSet;
  /** The paths that would be gone afterwards: what a preview must show first. */
  readonly deletions: readonly TreePath[];
  /** Directories that would be gone too, if they did not hold what no operation has put there. */
  readonly kept: readonly TreePath[];
}

/** What any plan can be told. */
export interface PlanRequest {
  /** Goes on where the tree has moved on; what is lost is in the new checkpoint. */
  readonly force?: boolean;
  /**
   * Leaves it to the commit to find out that a file holds other bytes than were recorded: it reads
   * them anyway. For a plan that is carried out at once, not for one to look at. False by default.
   */
  readonly defersReading?: boolean;
}

/** What to undo. */
export interface UndoRequest extends PlanRequest {
  /** How many operations, newest first; 1 by default. */
  readonly count?: number;
  /** One operation by name instead; see {@link findCheckpoint}. Undoing an undo is a redo. */
  readonly checkpoint?: string;
}

/**
 * Plans to take operations back.
 *
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when there is nothing to undo or it was pruned,
 *   `DRAFT_CONFLICT` when the tree is not as the operations left it.
 */
export function planUndo(store: CommitStore, request: UndoRequest = {}): RecoveryPlan {
  if (request.checkpoint !== undefined) {
    return planUndoOf(store, findCheckpoint(store.objects, request.checkpoint), request);
  }
  const count = request.count ?? 1;
  const targets = findUndoable(store.objects, count);
  if (targets.length < count) {
    const { length } = targets;
    const what = count === 1 ? "an operation" : `${count} operations`;
    const kept = length === 0 ? noneInEffect(store) : `only ${length} can be undone`;
    throw nothing(`undo ${what}: ${kept}`);
  }
  return planBack(store, {
    operation: "undo",
    targets,
    concerned: targets.flatMap(concernedBy),
    tolerance: toleranceOf(request),
    defersReading: request.defersReading === true,
  });
}

/** What to redo. */
export interface RedoRequest extends PlanRequest {
  /**
   * How many of the undone operations, those first that were undone last (of an undo of several the
   * oldest); by default all that the last undo took back.
   */
  readonly count?: number;
}

/**
 * Plans to bring back what the last undo took back, or a number of operations.
 *
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when so many were not undone since the last
 *   commit, `DRAFT_CONFLICT` when the tree is not as the undo left it.
 */
export function planRedo(store: CommitStore, request: RedoRequest = {}): RecoveryPlan {
  if (request.count !== undefined) return planPartialRedo(store, request.count, request);
  const undo = findRedoable(store.objects);
  if (undo === undefined) throw nothing("redo: nothing was undone since the last commit");
  const { concerns } = undo.manifest;
  const left = concerns.filter((id) => isUndone(store.objects, [id]));
  // Some of it was brought back by count before.
  if (left.length < concerns.length) return planPartialRedo(store, left.length, request);
  return planUndoOf(store, undo, request);
}

function planPartialRedo(store: CommitStore, count: number, request: PlanRequest): RecoveryPlan {
  const found = findPartialRedo(store.objects, count);
  if (typeof found === "number") {
    const kept = found === 0 ? "nothing" : `only ${found}`;
    const what = count === 1 ? "an operation" : `${count} operations`;
    throw nothing(`redo ${what}: ${kept} can be brought back since the last commit`);
  }
  const { wanted, targets } = found;
  return planBack(store, {
    operation: "redo",
    targets,
    ...namedWhereKept(store, wanted),
    concerned: wanted,
    tolerance: toleranceOf(request),
    defersReading: request.defersReading === true,
  });
}

/** What to restore. */
export interface RestoreRequest extends PlanRequest {
  /** The checkpoint whose after-state is wanted; see {@link findCheckpoint}. */
  readonly checkpoint: string;
  /** Only these paths and what lies below them; everything by default. */
  readonly paths?: readonly TreePath[];
}

/**
 * Plans to bring every path that was recorded since a checkpoint back to what it was then. Paths
 * that no later operation touched stay as they are.
 *
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when there is no such checkpoint,
 *   `DRAFT_CONFLICT` when the tree is not as the last operation left it.
 */
export function planRestore(store: CommitStore, request: RestoreRequest): RecoveryPlan {
  const target = findCheckpoint(store.objects, request.checkpoint);
  const log = [...checkpoints(store.objects)];
  const at = log.findIndex(({ id }) => id === target.id);
  const plan = planBack(store, {
    operation: "restore",
    targets: log.slice(0, at),
    concerned: [target],
    tolerance: request.force === true ? "all" : "recorded",
    defersReading: request.defersReading === true,
    reasserted: log.slice(at),
  });
  if (request.paths === undefined) return plan;
  const changeSet = selectPaths(plan.changeSet, request.paths);
  return { ...plan, changeSet, deletions: deletionsOf(changeSet) };
}

/**
 * Takes one named operation back: an undo by bringing back what it undid, anything else as such.
 */
function planUndoOf(store: CommitStore, target: Checkpoint, request: PlanRequest): RecoveryPlan {
  const { operation, concerns } = target.manifest;
  const isBringingBack = operation === "undo";
  const ids = isBringingBack || operation === "redo" ? concerns : [target.id];
  if (isUndone(store.objects, ids) !== isBringingBack) {
    const state = isBringingBack ? "redone" : "undone";
    throw nothing(`undo operation ${target.manifest.sequence}: it has been ${state} already`);
  }
  const concerned = ids.map((id) => ({ id }));
  return planBack(store, {
    operation: isBringingBack ? "redo" : "undo",
    targets: [target],
    // A redo of an undo is a redo of what that took back.
    ...namedWhereKept(store, concerned),
    concerned,
    tolerance: toleranceOf(request),
    defersReading: request.defersReading === true,
  });
}

/** The operations to name in the message; those taken back are, where one of these is forgotten. */
function namedWhereKept(
  { objects }: CommitStore,
  concerned: BackRequest["concerned"],
): Pick<BackRequest, "named"> {
  if (!concerned.every(({ id }) => objects.has(id))) return {};
  return { named: concerned.map(({ id }) => readCheckpoint(objects, id)) };
}

function toleranceOf(request: PlanRequest): Tolerance {
  return request.force === true ? "all" : "none";
}

interface BackRequest {
  readonly operation: RecoveryPlan["operation"];
  /** The operations to take back, newest first. */
  readonly targets: readonly Checkpoint[];
  /** The operations that the message names, where it is not these. */
  readonly named?: readonly Checkpoint[];
  readonly concerned: readonly { readonly id: ObjectId }[];
  readonly tolerance: Tolerance;
  readonly defersReading: boolean;
  /** The operations whose outcome then counts, newest first. */
  readonly reasserted?: readonly Checkpoint[];
}

function planBack(store: CommitStore, request: BackRequest): RecoveryPlan {
  const { operation, targets, concerned, tolerance, defersReading, reasserted = [] } = request;
  const message = messageOf(operation, request.named ?? targets, concerned);
  const concerns = concerned.map(({ id }) => id);
  const plain = defersReading && tolerance === "none" ? invertOnly(store, targets) : undefined;
  if (plain !== undefined) {
    return {
      operation,
      message,
      concerns,
      changeSet: plain,
      deletions: deletionsOf(plain),
      kept: [],
    };
  }
  const { state, trustsOwner } = store;
  const layer = openLayer({ root: state.root, trustsOwner });
  try {
    const expected = defersReading ? new Map<TreePath, ObjectId>() : undefined;
    const replay = new Replay(layer, store, tolerance, expected);
    for (const { manifest } of targets) replay.takeBack(manifest.changes);
    const decided = new Set<TreePath>();
    for (const { manifest } of reasserted) {
      replay.reassert(manifest.changes, decided);
      // Older operations speak of what lies in such a directory by names that it had before.
      if (manifest.changes.some(movesDirectory)) break;
    }
    const changeSet = withExpectations(leaveTimes(diffLayer(layer), targets), expected);
    const { kept } = replay;
    return { operation, message, concerns, changeSet, deletions: deletionsOf(changeSet), kept };
  } finally {
    layer.close();
  }
}

/** The change set that takes a single plain operation back, `undefined` when it is not one. */
function invertOnly(store: CommitStore, targets: readonly Checkpoint[]): ChangeSet | undefined {
  const [target] = targets;
  if (target === undefined || targets.length > 1) return undefined;
  const changes = invertPlainChanges(store, target.manifest.changes);
  return changes === undefined ? undefined : { root: store.state.root, changes };
}

function movesDirectory(change: ManifestChange): boolean {
  return change.kind === "rename" && change.after.kind === "directory";
}

/** Tells the commit which bytes it must find; it compares them before anything is touched. */
function withExpectations(
  changeSet: ChangeSet,
  expected: ReadonlyMap<TreePath, ObjectId> | undefined,
): ChangeSet {
  if (expected === undefined || expected.size === 0) return changeSet;
  const places = new OldPlaces(changeSet.changes);
  const expecting = (before: Before, place: TreePath): Before => {
    const oid = expected.get(place);
    const { state } = before;
    if (oid === undefined || state.kind !== "file") return before;
    return { ...before, state: { ...state, oid } };
  };
  const expectingChange = (change: Change): Change => {
    switch (change.kind) {
      case "create":
        return change;
      case "modify":
      case "delete":
        return { ...change, before: expecting(change.before, places.placeOfChange(change)) };
      case "rename": {
        const over = change.replaced;
        const replaced = over && expecting(over, places.placeOf(change.path));
        return { ...change, before: expecting(change.before, change.from), replaced };
      }
    }
  };
  return { ...changeSet, changes: changeSet.changes.map(expectingChange) };
}

/**
 * Leaves the time of a file alone whose bytes are as they should be already, because what one
 * operation changed another one changed back; unless setting times was what an operation did.
 */
function leaveTimes(changeSet: ChangeSet, targets: readonly Checkpoint[]): ChangeSet {
  const isTimed = targets.some(({ manifest }) =>
    manifest.changes.some((change) => "aspects" in change && change.aspects.includes("times")),
  );
  if (isTimed) return changeSet;
  const changes = changeSet.changes.filter(
    (change) => change.kind !== "modify" || change.aspects.some((aspect) => aspect !== "times"),
  );
  return { ...changeSet, changes };
}

function deletionsOf(changeSet: ChangeSet): TreePath[] {
  return changeSet.changes
    .filter((change) => change.kind === "delete")
    .map((change) => change.path);
}

function messageOf(
  operation: RecoveryPlan["operation"],
  targets: readonly Checkpoint[],
  concerned: readonly { readonly id: ObjectId }[],
): string {
  const [target] = targets;
  if (operation === "restore") return `Restore checkpoint ${concerned[0]?.id.slice(0, 12)}`;
  const verb = operation === "undo" ? "Undo" : "Redo";
  if (targets.length !== 1 || target === undefined) return `${verb} ${targets.length} operations`;
  const [subject = ""] = target.manifest.message.split("\n");
  return `${verb} operation ${target.manifest.sequence}: ${subject}`;
}

/** Why there is no operation to take back. */
function noneInEffect({ objects }: CommitStore): string {
  const [newest] = checkpoints(objects);
  return newest === undefined
    ? "nothing was committed yet"
    : "each one that is kept has been undone already (redo brings it back)";
}

function nothing(what: string): DraftError {
  return new DraftError("DRAFT_CHECKPOINT_MISSING", `Cannot ${what}. See draftfs log.`);
}
