import { checkOptions } from "../../check-options.ts";
import { inSavepoint } from "../apply-changes.ts";
import { checkBatchSize, runBatch } from "../batch/run-batch.ts";
import type { Operation } from "../operation.ts";
import { settingsFor } from "../optimizer-settings.ts";
import { pipelineNames } from "../option-names.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { sumOf } from "./pipeline-step.ts";
import { type FlushResult, type PipelineOptions, WritePipeline } from "./write-pipeline.ts";

/**
 * Runs operations through a pipeline of their own, as one flush.
 *
 * @throws what `WritePipeline.flush` throws; nothing is done then.
 */
export function runOptimized(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  options: PipelineOptions = {},
): FlushResult {
  checkOptions("runOptimized", options, pipelineNames);
  const settings = settingsFor(overlay, options.settings);
  checkBatchSize(settings.batchFilesMax);
  const whole = { ...settings, batchFilesMax: Number.POSITIVE_INFINITY };
  const gathering = new WritePipeline(overlay, {
    ...options,
    settings: whole,
    runBatch: (target, list, given) =>
      (options.runBatch ?? runBatch)(target, list, {
        ...given,
        maxBatchSize: settings.batchFilesMax,
      }),
    now: () => 0,
  });
  if (!settings.profile.batches) {
    return inSavepoint(overlay, () => joined(operations.flatMap((one) => gathering.submit(one))));
  }
  for (const operation of operations) gathering.submit(operation);
  return gathering.flush();
}

/** What flushes of one operation each did, as one. */
function joined(results: readonly FlushResult[]): FlushResult {
  return {
    decisions: results.flatMap(({ decisions }) => decisions),
    fallbacks: results.flatMap(({ fallbacks }) => fallbacks),
    batch: undefined,
    io: sumOf(results.map(({ io }) => io)),
  };
}
