import { checkOptions } from "../../check-options.ts";
import { DraftError } from "../../errors.ts";
import { callsOf, type IoCounts, noIo } from "../../metrics/measurement.ts";
import { Meter, nothingDone } from "../../metrics/meter.ts";
import { inSavepoint } from "../apply-changes.ts";
import { checkBatchSize, runBatch } from "../batch/run-batch.ts";
import type { BatchResult } from "../batch-result.ts";
import { checkOperation, checkOverlay } from "../check-input.ts";
import type { editExtents } from "../coalesce/edit-extents.ts";
import { KnownNodes } from "../known-nodes.ts";
import { type Operation, sizeOf } from "../operation.ts";
import { type OptimizerSettings, settingsFor } from "../optimizer-settings.ts";
import { pipelineNames } from "../option-names.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { plainCallsOf, runPlain } from "../run-plain.ts";
import type { TemplateCache } from "../template/template-cache.ts";
import { attemptWith, type Fallback, Fallbacks } from "./fallbacks.ts";
import { LoneSteps, type StepOutcome } from "./lone-steps.ts";
import { featuresOf } from "./operation-features.ts";
import { type Decision, decide, type OperationFeatures } from "./optimizer.ts";
import {
  bareFeatures,
  engineOf,
  isBatched,
  isLeftAlone,
  loneFeatures,
  type Step,
  sumOf,
} from "./pipeline-step.ts";

/** What was decided about an operation, and what came of it. */
export interface DecisionRecord {
  readonly operation: Operation["kind"];
  readonly path: string;
  readonly features: OperationFeatures;
  readonly decision: Decision;
  /**
   * Calls saved in truth, shared out among the operations of one batch that were coalesced, or all
   * of them where none was; negative when it took more.
   */
  readonly callsSaved: number;
  /** Bytes that edits of a huge file did not write; 0 for everything else. */
  readonly bytesSaved: number;
}

/** What one flush of the pipeline did. */
export interface FlushResult {
  readonly decisions: readonly DecisionRecord[];
  readonly fallbacks: readonly Fallback[];
  /** The batch, when one was run and stood. */
  readonly batch: BatchResult | undefined;
  readonly io: IoCounts;
}

export interface PipelineOptions {
  /** What is left out is as the overlay has it. */
  readonly settings?: Partial<OptimizerSettings>;
  readonly meter?: Meter;
  /** Where templates that are found go; without it none are looked for. */
  readonly templates?: TemplateCache;
  /** Whether the operations were asked for as one batch. */
  readonly insideBatch?: boolean;
  /** Told at once when an engine falls back; the result lists it as well. */
  readonly onFallback?: (fallback: Fallback) => void;
  /** Stops a flush, which takes all of it back. */
  readonly signal?: AbortSignal;
  /** The batch engine; another one in tests of what happens when it fails. */
  readonly runBatch?: typeof runBatch;
  /** The engine for huge files, likewise. */
  readonly editExtents?: typeof editExtents;
  /** Milliseconds; the system's clock by default. */
  readonly now?: () => number;
}

/** What was decided about a flush. */
interface Plan {
  readonly steps: readonly Step[];
  /** Whether what is on different files may be done in any order. */
  readonly areApart: boolean;
}

const noResults: readonly FlushResult[] = [];
const noFallbacks: readonly Fallback[] = [];
/** Never added to. */
const nothingWaiting: Operation[] = [];

/**
 * Gathers operations, decides how each is done when they are looked at together, and does them.
 *
 * It belongs inside a transaction or an overlay: operations wait until {@link flush}, until one
 * comes after the window has closed, or until a full batch is there. There is no timer: whoever
 * submits nothing more has to flush. A flush is all or none. Where the profile of an agent has no
 * batches, nothing waits: each operation is a flush of its own.
 */
export class WritePipeline {
  readonly #overlay: EngineOverlay;
  readonly #settings: OptimizerSettings;
  readonly #meter: Meter;
  readonly #options: PipelineOptions;
  readonly #now: () => number;
  /** What is decided about every single small operation; settled once. */
  readonly #leftAlone: Decision;
  readonly #loneSteps: LoneSteps;
  #waiting: Operation[] = nothingWaiting;
  #waitingSince = 0;

  constructor(overlay: EngineOverlay, options: PipelineOptions = {}) {
    checkOverlay("WritePipeline", overlay);
    checkOptions("WritePipeline", options, pipelineNames);
    this.#overlay = overlay;
    const settings = settingsFor(overlay, options.settings);
    checkBatchSize(settings.batchFilesMax);
    this.#settings = settings.profile.batches ? settings : { ...settings, batchFilesMax: 1 };
    this.#meter = options.meter ?? new Meter();
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#leftAlone = decide(loneFeatures, this.#settings);
    this.#loneSteps = new LoneSteps(overlay, {
      settings: this.#settings,
      meter: this.#meter,
      signal: options.signal,
      editExtents: options.editExtents,
    });
  }

  /** How many operations wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Takes an operation in; does what waits first when the window has closed, and everything when a
   * full batch is there. Its bytes must not change before they are flushed.
   *
   * @returns what flushes did, when there were any.
   * @throws what {@link flush} throws. Where that was the flush of what waited before, the new
   *   operation waits all the same.
   */
  submit(operation: Operation): readonly FlushResult[] {
    checkOperation(operation);
    const now = this.#now();
    const isLate = this.#waiting.length > 0 && now - this.#waitingSince > this.#settings.windowMs;
    let done: readonly FlushResult[] = noResults;
    try {
      if (isLate) done = [this.flush()];
    } finally {
      if (this.#waiting.length === 0) this.#waitingSince = now;
      // A list of just one, which is what most flushes find, is made as small as can be.
      if (this.#waiting.length === 0) this.#waiting = [operation];
      else this.#waiting.push(operation);
    }
    const isFull = this.#waiting.length >= this.#settings.batchFilesMax;
    return isFull ? [...done, this.flush()] : done;
  }

  /**
   * Does everything that waits.
   *
   * @throws the error of an operation that cannot be done on the standard path either; nothing of
   *   the flush is done then.
   */
  flush(): FlushResult {
    const operations = this.#waiting;
    this.#waiting = nothingWaiting;
    const [only] = operations;
    if (only !== undefined && isLeftAlone(operations, this.#settings) && operations.length === 1) {
      return this.#runOnly(only);
    }
    const nodes = new KnownNodes(this.#overlay);
    const plan = this.#decide(operations, nodes);
    return inSavepoint(this.#overlay, () => this.#run(plan, nodes));
  }

  /** The way of a single small operation: its one call is all or none by itself. */
  #runOnly(operation: Operation): FlushResult {
    stopIfAborted(this.#options.signal);
    const features = bareFeatures(operation, 1, this.#overlay);
    const decision = this.#leftAlone;
    const io = this.#meter.isActive
      ? this.#measurePlain(operation, features.sizeBytes)
      : runPlain(this.#overlay, operation);
    const { kind, path } = operation;
    const record = { operation: kind, path, features, decision, callsSaved: 0, bytesSaved: 0 };
    return { decisions: [record], fallbacks: noFallbacks, batch: undefined, io };
  }

  #measurePlain(operation: Operation, sizeBytes: number): IoCounts {
    return this.#meter.measure(
      { name: operation.kind, path: operation.path, sizeBytes },
      () => runPlain(this.#overlay, operation),
      (io) => ({ io, optimization: "none", baselineCalls: plainCallsOf(operation) }),
    );
  }

  #decide(operations: readonly Operation[], nodes: KnownNodes): Plan {
    const settings = this.#settings;
    const overlay = this.#overlay;
    // One small write, or no optimisation at all: not even looked at.
    const seen = isLeftAlone(operations, settings)
      ? undefined
      : featuresOf(overlay, operations, settings, {
          insideBatch: this.#options.insideBatch ?? false,
          templates: this.#options.templates,
          comparesOnWrite: overlay.writeUnlessSame !== undefined,
          nodes,
        });
    const steps = operations.map((operation, index): Step => {
      const features = seen?.features[index] ?? bareFeatures(operation, operations.length, overlay);
      return { operation, features, decision: decide(features, settings) };
    });
    return { steps, areApart: seen?.areApart ?? false };
  }

  #run({ steps, areApart }: Plan, nodes: KnownNodes): FlushResult {
    const fallbacks = new Fallbacks(this.#options.onFallback);
    const totals = { reads: 0, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 };
    const add = (io: IoCounts) => {
      totals.reads += io.reads;
      totals.writes += io.writes;
      totals.deletes += io.deletes;
      totals.moves += io.moves;
      totals.bytesWritten += io.bytesWritten;
    };
    const together = togetherOf(steps, areApart);
    const batch = together.length > 0 ? this.#runBatch(together, nodes, fallbacks) : undefined;
    if (batch !== undefined) add(batch.io);
    const inBatch = new Set(together);
    const decisions = steps.map((step): DecisionRecord => {
      let outcome: StepOutcome;
      if (batch !== undefined && inBatch.has(step)) outcome = batch.of(step);
      else {
        stopIfAborted(this.#options.signal);
        outcome = this.#loneSteps.run(step, fallbacks);
        add(outcome.io);
      }
      const { callsSaved, bytesSaved, isSame } = outcome;
      const { operation, features, decision } = isSame ? this.#decideSame(step) : step;
      const { kind, path } = operation;
      return { operation: kind, path, features, decision, callsSaved, bytesSaved };
    });
    return { decisions, fallbacks: fallbacks.all, batch: batch?.batch, io: totals };
  }

  #runBatch(
    steps: readonly Step[],
    nodes: KnownNodes,
    fallbacks: Fallbacks,
  ): {
    readonly io: IoCounts;
    readonly batch: BatchResult | undefined;
    of(step: Step): StepOutcome;
  } {
    const operations = steps.map(({ operation }) => operation);
    const plainCalls = operations.reduce((sum, operation) => sum + plainCallsOf(operation), 0);
    const run = this.#options.runBatch ?? runBatch;
    const engine = engineOf(steps);
    const sizeBytes = operations.reduce((sum, operation) => sum + sizeOf(operation), 0);
    const done = this.#meter.measure(
      { name: engine, sizeBytes },
      () => {
        const attempt = attemptWith(this.#overlay, () => {
          const result = run(this.#overlay, operations, {
            maxBatchSize: this.#settings.batchFilesMax,
            oneByOne: !this.#settings.profile.coalescing,
            nodes,
            ...signalOf(this.#options),
          });
          if (result.outcome === "rolled_back") throw result.error;
          return result;
        });
        if (attempt.kind === "done") {
          const error = attempt.value.groupError;
          if (error !== undefined) fallbacks.note({ engine, operations: steps.length, error });
          return { io: attempt.value, batch: attempt.value, fellBack: error !== undefined };
        }
        fallbacks.note({ engine, operations: steps.length, error: attempt.error });
        const io = operations.map((operation) => runPlain(this.#overlay, operation));
        return { io: sumOf(io), batch: undefined, fellBack: true };
      },
      ({ io, fellBack }) => ({
        io,
        optimization: fellBack ? "none" : engine,
        baselineCalls: plainCalls,
        outcome: fellBack ? "fell_back" : "done",
      }),
      // All of the flush is taken back then.
      () => ({ ...nothingDone, safety: { rollback: "done" } }),
    );
    const saved = plainCalls - callsOf(done.io);
    const promised = steps.filter(({ decision }) => decision.strategy === "coalesce");
    const sharers = new Set(promised.length > 0 ? promised : steps);
    const nothing = { io: noIo, callsSaved: 0, bytesSaved: 0, isSame: false };
    const share = { ...nothing, callsSaved: saved / sharers.size };
    return { ...done, of: (step) => (sharers.has(step) ? share : nothing) };
  }

  /** A step whose file turned out to have its content already. */
  #decideSame({ operation, features: seen }: Step): Step {
    const features = { ...seen, isIdentical: true };
    return { operation, features, decision: decide(features, this.#settings) };
  }
}

/**
 * What goes through the batch engine: all that was decided to, and where there is any and the
 * order may matter, the standard path in its place.
 */
function togetherOf(steps: readonly Step[], areApart: boolean): readonly Step[] {
  const batched = steps.filter(isBatched);
  if (areApart || batched.length === 0) return batched;
  return steps.filter(({ decision }) => decision.strategy !== "stream");
}

function signalOf({ signal }: PipelineOptions): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new DraftError("DRAFT_ABORTED", "The flush was stopped; nothing of it was done.", {
    cause: signal.reason,
  });
}
