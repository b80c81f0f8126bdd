import { loadavg } from "node:os";
import {
  callsOf,
  type IoCounts,
  type Measurement,
  type MeasurementObserver,
  type MemoryUse,
  noIo,
  type OptimizationKind,
} from "./measurement.ts";

/** What a meter takes note of. The defaults are those of `metrics_config.yaml`. */
export interface Tracking {
  readonly timing: boolean;
  readonly memory: boolean;
  readonly io: boolean;
  readonly system: boolean;
}

/** The outcome of an operation, as the engine that did it reports it. */
export interface OperationReport {
  readonly io: IoCounts;
  readonly optimization: OptimizationKind;
  readonly baselineCalls: number;
  readonly outcome?: Measurement["outcome"];
}

/** Reading the resident size costs as much as a small write, so a sample serves this long. */
const sampleMs = 50;

const { timeOrigin } = performance;

const failure: OperationReport = {
  io: noIo,
  optimization: "none",
  baselineCalls: 0,
  outcome: "failed",
};

/**
 * Measures operations and hands each measurement to an observer. Without an observer it does
 * nothing at all, so that a meter can be passed around always.
 */
export class Meter {
  readonly #observer: MeasurementObserver | undefined;
  readonly #tracking: Tracking;
  #count = 0;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #sampledBytes = 0;

  constructor(
    observer?: MeasurementObserver,
    tracking: Tracking = { timing: true, memory: true, io: true, system: false },
  ) {
    this.#observer = observer;
    this.#tracking = tracking;
  }

  /** Whether anybody listens. */
  get isActive(): boolean {
    return this.#observer !== undefined;
  }

  /** Runs `work` and measures it; `reportOf` tells what it did. A failure is measured as well. */
  measure<T>(
    operation: { readonly name: string; readonly path?: string; readonly sizeBytes: number },
    work: () => T,
    reportOf: (result: T) => OperationReport,
  ): T {
    const finish = this.#begin(operation);
    if (finish === undefined) return work();
    let result: T;
    try {
      result = work();
    } catch (error) {
      finish(failure);
      throw error;
    }
    finish(reportOf(result));
    return result;
  }

  /** Like {@link Meter.measure}, for work that takes its time. */
  async measureAsync<T>(
    operation: { readonly name: string; readonly path?: string },
    work: () => Promise<T>,
    reportOf: (result: T) => OperationReport & { readonly sizeBytes: number },
  ): Promise<T> {
    const measured = { ...operation, sizeBytes: 0 };
    const finish = this.#begin(measured);
    if (finish === undefined) return await work();
    let result: T;
    try {
      result = await work();
    } catch (error) {
      finish(failure);
      throw error;
    }
    const report = reportOf(result);
    // Only known when the last piece has come.
    measured.sizeBytes = report.sizeBytes;
    finish(report);
    return result;
  }

  /** Starts measuring; `undefined` when nobody listens. */
  #begin(operation: {
    readonly name: string;
    readonly path?: string;
    readonly sizeBytes: number;
  }): ((report: OperationReport) => void) | undefined {
    const observer = this.#observer;
    if (observer === undefined) return undefined;
    const started = performance.now();
    const before = this.#tracking.memory ? this.#residentBytes(started) : 0;
    return (report) => {
      const ended = performance.now();
      observer({
        id: `m${++this.#count}`,
        operation: operation.name,
        path: operation.path,
        sizeBytes: operation.sizeBytes,
        startedAtMs: timeOrigin + started,
        durationMs: this.#tracking.timing ? ended - started : undefined,
        memory: this.#tracking.memory ? this.#memorySince(before, ended) : undefined,
        io: this.#tracking.io ? report.io : undefined,
        optimization: report.optimization,
        baselineCalls: report.baselineCalls,
        gain: gainOf(report),
        outcome: report.outcome ?? "done",
        systemLoad: this.#tracking.system ? loadavg()[0] : undefined,
      });
    };
  }

  #memorySince(before: number, now: number): MemoryUse {
    const after = this.#residentBytes(now);
    return { before, peak: Math.max(before, after), after };
  }

  #residentBytes(now: number): number {
    if (now - this.#sampledAt > sampleMs) {
      this.#sampledBytes = process.memoryUsage.rss();
      this.#sampledAt = now;
    }
    return this.#sampledBytes;
  }
}

function gainOf({ baselineCalls, io, outcome = "done" }: OperationReport): number {
  return outcome !== "done" || baselineCalls === 0 ? 0 : 1 - callsOf(io) / baselineCalls;
}
