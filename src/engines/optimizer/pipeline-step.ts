import type { IoCounts } from "../../metrics/measurement.ts";
import { type Operation, sizeOf } from "../operation.ts";
import type { OptimizerSettings } from "../optimizer-settings.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import type { Decision, OperationFeatures } from "./optimizer.ts";

/** An operation of a flush with what was decided about it. */
export interface Step {
  readonly operation: Operation;
  readonly features: OperationFeatures;
  readonly decision: Decision;
}

/** What is known of a single small operation. */
export const loneFeatures: OperationFeatures = {
  kind: "write",
  sizeBytes: 0,
  fileBytes: 0,
  edits: 1,
  sameFile: 0,
  similar: 1,
  files: 1,
  insideBatch: false,
  fitsTemplate: false,
  isKnownTemplate: false,
  isIdentical: false,
  isOrdered: false,
  isHeld: false,
};

/** Whether operations are not even looked at: one small write, or no optimisation at all. */
export function isLeftAlone(
  operations: readonly Operation[],
  settings: OptimizerSettings,
): boolean {
  const only = operations[0];
  if (!settings.enabled || only === undefined) return true;
  const isPlainWrite = only.kind === "write" && only.bytes.length < settings.contentBytesMin;
  return operations.length === 1 && isPlainWrite;
}

/** Features without looking; spelt out, since this runs for every single small write. */
export function bareFeatures(
  operation: Operation,
  files: number,
  { holdsChanges = false }: EngineOverlay,
): OperationFeatures {
  return {
    kind: operation.kind,
    sizeBytes: sizeOf(operation),
    fileBytes: 0,
    edits: operation.kind === "edit" ? operation.edits.length : 1,
    sameFile: 0,
    similar: 1,
    files,
    insideBatch: false,
    fitsTemplate: false,
    isKnownTemplate: false,
    isIdentical: false,
    isOrdered: false,
    isHeld: holdsChanges,
  };
}

/** Whether the batch engine does it. */
export function isBatched({ decision: { strategy } }: Step): boolean {
  return strategy === "batch" || strategy === "template" || strategy === "coalesce";
}

/** The engine that gives a batch its name: the one that most of its operations were for. */
export function engineOf(steps: readonly Step[]): "batch" | "template" | "coalesce" {
  const counts = { batch: 0, template: 0, coalesce: 0 };
  for (const { decision } of steps) {
    if (decision.strategy in counts) counts[decision.strategy as keyof typeof counts] += 1;
  }
  if (counts.template > counts.batch) return "template";
  return counts.coalesce > counts.batch ? "coalesce" : "batch";
}

/** Counts added up. */
export function sumOf(counts: readonly IoCounts[]): IoCounts {
  return counts.reduce(
    (sum, io) => ({
      reads: sum.reads + io.reads,
      writes: sum.writes + io.writes,
      deletes: sum.deletes + io.deletes,
      moves: sum.moves + io.moves,
      bytesWritten: sum.bytesWritten + io.bytesWritten,
    }),
    { reads: 0, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 },
  );
}
