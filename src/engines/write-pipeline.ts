import type { IoCounts } from "../metrics/measurement.ts";
import { Meter } from "../metrics/meter.ts";
import { inSavepoint } from "./apply-changes.ts";
import { editExtents } from "./edit-extents.ts";
import { type Operation, sizeOf } from "./operation.ts";
import { featuresOf } from "./operation-features.ts";
import { type Decision, decide, type OperationFeatures } from "./optimizer.ts";
import { type OptimizerSettings, optimizerSettingsOf } from "./optimizer-settings.ts";
import type { EngineOverlay } from "./overlay-port.ts";
import { type BatchResult, runBatch } from "./run-batch.ts";
import { plainCallsOf, runPlain } from "./run-plain.ts";
import type { TemplateCache } from "./template-cache.ts";

/** What was decided about an operation, and what came of it. */
export interface DecisionRecord {
  readonly operation: Operation["kind"];
  readonly path: string;
  readonly features: OperationFeatures;
  readonly decision: Decision;
  /** Calls saved in truth, shared out among the operations of one batch. */
  readonly callsSaved: number;
}

/** An engine that failed, and was replaced by the standard path. */
export interface Fallback {
  readonly engine: string;
  readonly operations: number;
  readonly error: Error;
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
  readonly settings?: OptimizerSettings;
  readonly meter?: Meter;
  /** Where templates that are found go; without it none are looked for. */
  readonly templates?: TemplateCache;
  /** Whether the operations were asked for as one batch. */
  readonly insideBatch?: boolean;
  /** Told at once when an engine falls back; the result lists it as well. */
  readonly onFallback?: (fallback: Fallback) => void;
  /** The batch engine; another one in tests of what happens when it fails. */
  readonly runBatch?: typeof runBatch;
  /** Milliseconds; the system's clock by default. */
  readonly now?: () => number;
}

interface Step {
  readonly operation: Operation;
  readonly features: OperationFeatures;
  readonly decision: Decision;
}

/**
 * Gathers operations, decides how each is done when they are looked at together, and does them.
 *
 * It belongs inside a transaction or an overlay: operations wait until {@link flush}, until the
 * window closes, or until a full batch is there. A flush is all or none.
 */
export class WritePipeline {
  readonly #overlay: EngineOverlay;
  readonly #settings: OptimizerSettings;
  readonly #meter: Meter;
  readonly #options: PipelineOptions;
  readonly #now: () => number;
  /** What is decided about every single small operation; settled once. */
  readonly #leftAlone: Decision;
  #waiting: Operation[] = [];
  #waitingSince = 0;

  constructor(overlay: EngineOverlay, options: PipelineOptions = {}) {
    this.#overlay = overlay;
    this.#settings = options.settings ?? optimizerSettingsOf();
    this.#meter = options.meter ?? new Meter();
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#leftAlone = decide(loneFeatures, this.#settings);
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
   * @throws what {@link flush} throws.
   */
  submit(operation: Operation): readonly FlushResult[] {
    const now = this.#now();
    const isLate = this.#waiting.length > 0 && now - this.#waitingSince > this.#settings.windowMs;
    const done = isLate ? [this.flush()] : [];
    if (this.#waiting.length === 0) this.#waitingSince = now;
    this.#waiting.push(operation);
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
    this.#waiting = [];
    const [only] = operations;
    if (only !== undefined && isLeftAlone(operations, this.#settings) && operations.length === 1) {
      return this.#runOnly(only);
    }
    const steps = this.#decide(operations);
    return inSavepoint(this.#overlay, () => this.#run(steps));
  }

  /** The way of a single small operation: its one call is all or none by itself. */
  #runOnly(operation: Operation): FlushResult {
    const features = bareFeatures(operation, 1);
    const decision = this.#leftAlone;
    const io = this.#meter.isActive
      ? this.#runAlone({ operation, features, decision }, [])
      : runPlain(this.#overlay, operation);
    const { kind, path } = operation;
    const record = { operation: kind, path, features, decision, callsSaved: 0 };
    return { decisions: [record], fallbacks: [], batch: undefined, io };
  }

  #decide(operations: readonly Operation[]): Step[] {
    const settings = this.#settings;
    if (isLeftAlone(operations, settings)) {
      // One small write, or no optimisation at all: not even looked at.
      return operations.map((operation) => {
        const features = bareFeatures(operation, operations.length);
        return { operation, features, decision: decide(features, settings) };
      });
    }
    const all = featuresOf(this.#overlay, operations, settings, {
      insideBatch: this.#options.insideBatch ?? false,
      templates: this.#options.templates,
    });
    return operations.map((operation, index) => {
      const features = all[index] ?? bareFeatures(operation, operations.length);
      return { operation, features, decision: decide(features, settings) };
    });
  }

  #run(steps: readonly Step[]): FlushResult {
    const fallbacks: Fallback[] = [];
    const totals = { reads: 0, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 };
    const add = (io: IoCounts) => {
      totals.reads += io.reads;
      totals.writes += io.writes;
      totals.deletes += io.deletes;
      totals.moves += io.moves;
      totals.bytesWritten += io.bytesWritten;
    };
    const batched = steps.filter(({ decision }) => !isAlone(decision));
    const outcome = batched.length > 0 ? this.#runBatch(batched, fallbacks) : undefined;
    if (outcome !== undefined) add(outcome.io);
    for (const step of steps) if (isAlone(step.decision)) add(this.#runAlone(step, fallbacks));
    const saved = new Map(batched.map((step) => [step, outcome?.savedShare ?? 0]));
    const decisions = steps.map((step): DecisionRecord => {
      const { operation, features, decision } = step;
      const shared = saved.get(step) ?? 0;
      const callsSaved = decision.predictedCallsSaved > 0 ? Math.max(shared, 0) : 0;
      return { operation: operation.kind, path: operation.path, features, decision, callsSaved };
    });
    return { decisions, fallbacks, batch: outcome?.batch, io: totals };
  }

  #runBatch(
    steps: readonly Step[],
    fallbacks: Fallback[],
  ): {
    readonly io: IoCounts;
    readonly batch: BatchResult | undefined;
    readonly savedShare: number;
  } {
    const operations = steps.map(({ operation }) => operation);
    const plainCalls = operations.reduce((sum, operation) => sum + plainCallsOf(operation), 0);
    const run = this.#options.runBatch ?? runBatch;
    const engine = engineOf(steps);
    const sizeBytes = operations.reduce((sum, operation) => sum + sizeOf(operation), 0);
    const done = this.#meter.measure(
      { name: engine, sizeBytes },
      () => {
        const attempt = this.#attempt(() => {
          const result = run(this.#overlay, operations, {
            maxBatchSize: this.#settings.batchFilesMax,
          });
          if (result.outcome === "rolled_back") throw result.error;
          return result;
        });
        if (attempt.kind === "done") return { io: attempt.value, batch: attempt.value };
        this.#note(fallbacks, { engine, operations: steps.length, error: attempt.error });
        const io = operations.map((operation) => runPlain(this.#overlay, operation));
        return { io: sumOf(io), batch: undefined };
      },
      ({ io, batch }) => ({
        io,
        optimization: batch === undefined ? "none" : engine,
        baselineCalls: plainCalls,
        outcome: batch === undefined ? "fell_back" : "done",
      }),
    );
    const { reads, writes, deletes, moves } = done.io;
    const savedShare = (plainCalls - reads - writes - deletes - moves) / steps.length;
    return { ...done, savedShare };
  }

  /** Operations that have no company: the standard path, or an edit by extents. */
  #runAlone({ operation, decision }: Step, fallbacks: Fallback[]): IoCounts {
    const isStream = decision.strategy === "stream" && operation.kind === "edit";
    return this.#meter.measure(
      { name: operation.kind, path: operation.path, sizeBytes: sizeOf(operation) },
      () => {
        if (!isStream) return { io: runPlain(this.#overlay, operation), isOptimized: false };
        const attempt = this.#attempt(() =>
          editExtents(this.#overlay, operation.path, operation.edits),
        );
        if (attempt.kind === "done") {
          const { bytesWritten } = attempt.value;
          const io = { reads: 1, writes: 1, deletes: 0, moves: 0, bytesWritten };
          return { io, isOptimized: true };
        }
        this.#note(fallbacks, { engine: "stream", operations: 1, error: attempt.error });
        return { io: runPlain(this.#overlay, operation), isOptimized: false };
      },
      ({ io, isOptimized }) => ({
        io,
        optimization: isOptimized ? "stream" : "none",
        baselineCalls: plainCallsOf(operation),
        outcome: isStream && !isOptimized ? "fell_back" : "done",
      }),
    ).io;
  }

  #attempt<T>(
    work: () => T,
  ):
    | { readonly kind: "done"; readonly value: T }
    | { readonly kind: "failed"; readonly error: Error } {
    try {
      return { kind: "done", value: inSavepoint(this.#overlay, work) };
    } catch (error) {
      return { kind: "failed", error: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  #note(fallbacks: Fallback[], fallback: Fallback): void {
    fallbacks.push(fallback);
    this.#options.onFallback?.(fallback);
  }
}

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
  const settings = options.settings ?? optimizerSettingsOf();
  const whole = { ...settings, batchFilesMax: Number.POSITIVE_INFINITY };
  const gathering = new WritePipeline(overlay, {
    ...options,
    settings: whole,
    runBatch: (target, list) =>
      (options.runBatch ?? runBatch)(target, list, { maxBatchSize: settings.batchFilesMax }),
    now: () => 0,
  });
  for (const operation of operations) gathering.submit(operation);
  return gathering.flush();
}

const loneFeatures: OperationFeatures = {
  kind: "write",
  sizeBytes: 0,
  fileBytes: 0,
  edits: 1,
  sameFile: 0,
  similar: 1,
  files: 1,
  insideBatch: false,
  fitsTemplate: false,
  isIdentical: false,
  isOrdered: false,
};

function isAlone(decision: Decision): boolean {
  return decision.strategy === "standard" || decision.strategy === "stream";
}

function isLeftAlone(operations: readonly Operation[], settings: OptimizerSettings): boolean {
  const only = operations[0];
  if (!settings.enabled || only === undefined) return true;
  const isPlainWrite = only.kind === "write" && only.bytes.length < settings.contentBytesMin;
  return operations.length === 1 && isPlainWrite;
}

/** Spelt out, since this runs for every single small write. */
function bareFeatures(operation: Operation, files: number): OperationFeatures {
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
    isIdentical: false,
    isOrdered: false,
  };
}

/** The engine that gives a batch its name: the one that most of its operations were for. */
function engineOf(steps: readonly Step[]): "batch" | "template" | "coalesce" {
  const counts = { batch: 0, template: 0, coalesce: 0 };
  for (const { decision } of steps) {
    if (decision.strategy in counts) counts[decision.strategy as keyof typeof counts] += 1;
  }
  if (counts.template > counts.batch) return "template";
  return counts.coalesce > counts.batch ? "coalesce" : "batch";
}

function sumOf(counts: readonly IoCounts[]): IoCounts {
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
