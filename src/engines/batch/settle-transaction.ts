import { callsOf, type IoCounts, noIo } from "../../metrics/measurement.ts";
import { inSavepoint } from "../apply-changes.ts";
import type { FileStates } from "../file-states.ts";
import { KnownNodes } from "../known-nodes.ts";
import type { Operation } from "../operation.ts";
import { featuresOf } from "../optimizer/operation-features.ts";
import { decide } from "../optimizer/optimizer.ts";
import { bareFeatures, isLeftAlone, sumOf } from "../optimizer/pipeline-step.ts";
import type { DecisionRecord } from "../optimizer/write-pipeline.ts";
import type { OptimizerSettings } from "../optimizer-settings.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { isFinal } from "../run-batch-or-plain.ts";
import { runPlain } from "../run-plain.ts";
import type { TemplateCache } from "../template/template-cache.ts";
import { runBatch, runChanges } from "./run-batch.ts";

/** What a transaction has gathered when it ends. */
export interface Gathered {
  readonly states: FileStates;
  /** The same as operations, in order. */
  readonly operations: readonly Operation[];
  /** Calls that plain code would have made, reads included. */
  readonly plainCalls: number;
}

/** How a transaction is brought to the overlay. */
export interface SettleOptions {
  readonly settings: OptimizerSettings;
  readonly templates?: TemplateCache;
  readonly signal?: AbortSignal;
  readonly onProgress?: (files: number) => void;
  readonly onFallback?: (error: Error) => void;
}

/** What that took. */
export interface Settled {
  readonly io: IoCounts;
  /** What was detected among the operations. */
  readonly decisions: readonly DecisionRecord[];
  /** Why the standard path was taken in place of the engines; `undefined` when it was not. */
  readonly fallback: Error | undefined;
}

/**
 * Brings what a transaction has gathered to the overlay, all or none: looks for opportunities among
 * its operations, and applies them as one change a file, in the order of their dependencies and in
 * groups of at most `max_batch_size`. Where that fails, or the profile of an agent puts nothing
 * together, on the standard path.
 */
export function settleTransaction(
  overlay: EngineOverlay,
  gathered: Gathered,
  options: SettleOptions,
): Settled {
  const { batches, coalescing } = options.settings.profile;
  const enabled = options.settings.enabled && batches && coalescing;
  const settings = { ...options.settings, enabled };
  const decided = decideAll(overlay, gathered.operations, { ...options, settings });
  if (!enabled) {
    return { io: settlePlainly(overlay, gathered), decisions: decided, fallback: undefined };
  }
  try {
    const { io, fallback } = settleTogether(overlay, gathered, options);
    if (fallback !== undefined) options.onFallback?.(fallback);
    return { io, decisions: share(decided, gathered.plainCalls - callsOf(io)), fallback };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (isFinal(error)) throw error;
    options.onFallback?.(error);
    return { io: settlePlainly(overlay, gathered), decisions: decided, fallback: error };
  }
}

function settleTogether(
  overlay: EngineOverlay,
  { states, operations }: Gathered,
  options: SettleOptions,
): Pick<Settled, "io" | "fallback"> {
  const { settings, signal, onProgress } = options;
  const batch = {
    maxBatchSize: settings.batchFilesMax,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
  const read = { ...noIo, reads: states.reads };
  if (!operations.some(({ kind }) => kind === "move")) {
    const io = sumOf([read, runChanges(overlay, states.changes(), batch)]);
    return { io, fallback: undefined };
  }
  // A file that is moved keeps its mode, owner and times: it has to be the same one.
  const result = runBatch(overlay, operations, batch);
  if (result.outcome === "rolled_back") throw result.error;
  return { io: sumOf([read, result]), fallback: result.groupError };
}

function settlePlainly(overlay: EngineOverlay, { states, operations }: Gathered): IoCounts {
  const done = inSavepoint(overlay, () => operations.map((one) => runPlain(overlay, one)));
  return sumOf([{ ...noIo, reads: states.reads }, ...done]);
}

/** Looks at all operations together: none of them is done before the transaction ends. */
function decideAll(
  overlay: EngineOverlay,
  operations: readonly Operation[],
  { settings, templates }: SettleOptions,
): DecisionRecord[] {
  const features = isLeftAlone(operations, settings)
    ? operations.map((operation) => bareFeatures(operation, operations.length, overlay))
    : featuresOf(overlay, operations, settings, {
        insideBatch: false,
        templates,
        nodes: new KnownNodes(overlay),
      }).features;
  return operations.flatMap((operation, index): DecisionRecord[] => {
    const seen = features[index];
    if (seen === undefined) return [];
    const { kind, path } = operation;
    const decision = decide(seen, settings);
    return [{ operation: kind, path, features: seen, decision, callsSaved: 0, bytesSaved: 0 }];
  });
}

/** Shares out the calls that were saved among the operations that were coalesced. */
function share(decisions: readonly DecisionRecord[], saved: number): DecisionRecord[] {
  const promised = decisions.filter(({ decision }) => decision.strategy === "coalesce");
  const callsSaved = saved / promised.length;
  return decisions.map((one) =>
    one.decision.strategy === "coalesce" ? { ...one, callsSaved } : one,
  );
}
