import { commitChangeSet } from "../commit/commit.ts";
import type { CommitStore } from "../commit/commit-store.ts";
import { ConflictError } from "../commit/conflict.ts";
import type { LockOptions } from "../commit/lock/lock.ts";
import type { CommitOptions } from "../commit/options.ts";
import type { CommitReceipt } from "../commit/receipt.ts";
import { DraftError } from "../errors.ts";
import { unexplained } from "./divergence.ts";
import { recoverRoot } from "./recover-root.ts";
import {
  planRedo,
  planRestore,
  planUndo,
  type RecoveryPlan,
  type RedoRequest,
  type RestoreRequest,
  type UndoRequest,
} from "./recovery-plan.ts";

/** What an undo, redo or restore can be told beside what it concerns. */
export type RecoveryOptions = Omit<CommitOptions, "operation" | "concerns" | "draft">;

/**
 * Takes the last operations back, as a new operation: all or none, and itself undone by a redo.
 *
 * @throws {DraftError} as {@link planUndo} and `commitChangeSet` do.
 */
export async function undo(
  store: CommitStore,
  request: UndoRequest & RecoveryOptions = {},
): Promise<CommitReceipt> {
  await recoverRoot(store, waitOf(request));
  const plan = planUndo(store, { ...request, defersReading: true });
  return await carryOut(store, plan, request, () => planUndo(store, request));
}

/**
 * Brings back what the last undo took back, as a new operation.
 *
 * @throws {DraftError} as {@link planRedo} and `commitChangeSet` do.
 */
export async function redo(
  store: CommitStore,
  request: RedoRequest & RecoveryOptions = {},
): Promise<CommitReceipt> {
  await recoverRoot(store, waitOf(request));
  const plan = planRedo(store, { ...request, defersReading: true });
  return await carryOut(store, plan, request, () => planRedo(store, request));
}

/**
 * Brings the recorded paths back to what they were at a checkpoint, as a new operation.
 *
 * @throws {DraftError} `DRAFT_NOTHING_PENDING` when all of them are already as they were, else as
 *   {@link planRestore} and `commitChangeSet` do.
 */
export async function restore(
  store: CommitStore,
  request: RestoreRequest & RecoveryOptions,
): Promise<CommitReceipt> {
  await recoverRoot(store, waitOf(request));
  const plan = planRestore(store, { ...request, defersReading: true });
  if (plan.changeSet.changes.length === 0) {
    throw new DraftError(
      "DRAFT_NOTHING_PENDING",
      `Nothing to restore: every recorded path is as it was at checkpoint ${request.checkpoint}.`,
    );
  }
  return await carryOut(store, plan, request, () => planRestore(store, request));
}

/** @param explain plans again with a closer look, to tell a conflict in terms of the operation. */
async function carryOut(
  store: CommitStore,
  plan: RecoveryPlan,
  options: RecoveryOptions,
  explain: () => RecoveryPlan,
): Promise<CommitReceipt> {
  try {
    return await commitChangeSet(store, plan.changeSet, {
      ...options,
      operation: plan.operation,
      concerns: plan.concerns,
      message: options.message ?? plan.message,
    });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    explain();
    throw unexplained(error);
  }
}

function waitOf({ lockWaitMs, signal }: RecoveryOptions): LockOptions {
  return {
    ...(lockWaitMs === undefined ? {} : { waitMs: lockWaitMs }),
    ...(signal === undefined ? {} : { signal }),
  };
}
