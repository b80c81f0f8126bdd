import { loadavg } from "node:os";
import { KIB } from "../limits.ts";
import {
  callsOf,
  countsOf,
  type IoCounts,
  type Measurement,
  type MeasurementObserver,
  type MemoryUse,
  noIo,
  type OptimizationKind,
  type SafetyFacts,
} from "./measurement.ts";
import { isRefusal } from "./refusal.ts";

/** What a meter takes note of. The defaults are those of `metrics_config.yaml`. */
export interface Tracking {
  readonly timing: boolean;
  readonly memory: boolean;
  readonly io: boolean;
  readonly system: boolean;
  readonly integrityChecks: boolean;
  readonly rollbacks: boolean;
  readonly recoveries: boolean;
}

const trackedByDefault: Tracking = {
  timing: true,
  memory: true,
  io: true,
  system: false,
  integrityChecks: true,
  rollbacks: true,
  recoveries: true,
};

/** What an operation is called, and what it is about as far as its beginning tells. */
export interface MeasuredOperation {
  readonly name: string;
  readonly path?: string;
  readonly sizeBytes: number;
}

/** The outcome of an operation, as the engine that did it reports it. */
export interface OperationReport {
  readonly io: IoCounts;
  readonly optimization: OptimizationKind;
  readonly baselineCalls: number;
  readonly outcome?: Measurement["outcome"];
  /** Content that it was about, where only the end of the operation tells. */
  readonly sizeBytes?: number;
  /** Whatever it did for safety; the meter leaves out what is not tracked. */
  readonly safety?: SafetyFacts;
}

/** How one call of an engine is measured; not at all by default. */
export interface MeasuringOptions {
  /** Such as `meterOf` makes it, so that it tracks what the configuration asks for. */
  readonly meter?: Meter;
  /** Without a meter: hears of everything that the defaults track. */
  readonly observer?: MeasurementObserver;
}

/** The meter that options name. */
export function meterFrom({ meter, observer }: MeasuringOptions): Meter {
  return meter ?? new Meter(observer);
}

/** Reading the resident size costs as much as a small write, so a sample serves this long. */
const sampleMs = 50;

const { timeOrigin } = performance;

/** What ids of this process begin with. */
const idPrefix = `m${Math.round(timeOrigin).toString(36)}-${process.pid.toString(36)}-`;
/** Operations that any meter of this process has measured. */
let measured = 0;

/** Resident memory now, and the most that it has ever been. */
interface MemorySample {
  readonly bytes: number;
  readonly highBytes: number;
  /** What operations are told between whose beginning and end no other sample was taken. */
  readonly unchanged: MemoryUse;
}

/**
 * Measures operations and hands each measurement to an observer. Without an observer it does
 * nothing at all, so that a meter can be passed around always.
 */
export class Meter {
  readonly #observer: MeasurementObserver | undefined;
  readonly #tracking: Tracking;
  #sampledAt = Number.NEGATIVE_INFINITY;
  #sample: MemorySample = sampleOf(0, 0);

  constructor(observer?: MeasurementObserver, tracking: Tracking = trackedByDefault) {
    this.#observer = observer;
    this.#tracking = tracking;
  }

  /** Whether anybody listens. */
  get isActive(): boolean {
    return this.#observer !== undefined;
  }

  /**
   * Runs `work` and measures it, to its end when it is asynchronous; `reportOf` tells what it did.
   * A failure is measured as well.
   *
   * @param failureOf what it had done when it failed; nothing by default. Where it gives no report,
   *   that was no operation, and is not measured.
   */
  measure<T>(
    operation: MeasuredOperation,
    work: () => T,
    reportOf: (result: Awaited<T>) => OperationReport,
    failureOf: (error: unknown) => OperationReport | undefined = () => nothingDone,
  ): T {
    if (this.#observer === undefined) return work();
    const started = performance.now();
    const before = this.#tracking.memory ? this.#memoryAt(started) : undefined;
    let result: T;
    try {
      result = work();
    } catch (error) {
      this.#tellFailure(operation, started, before, { error, report: failureOf(error) });
      throw error;
    }
    if (!(result instanceof Promise)) {
      this.#tell(operation, started, before, reportOf(result as Awaited<T>));
      return result;
    }
    const ended = (result as Promise<Awaited<T>>).then(
      (value) => {
        this.#tell(operation, started, before, reportOf(value));
        return value;
      },
      (error: unknown) => {
        this.#tellFailure(operation, started, before, { error, report: failureOf(error) });
        throw error;
      },
    );
    return ended as T;
  }

  /** Takes note of an operation that has just ended, and took so many milliseconds. */
  note(operation: MeasuredOperation, durationMs: number, report: OperationReport): void {
    if (this.#observer === undefined) return;
    const before = this.#tracking.memory ? this.#memoryAt(performance.now()) : undefined;
    this.#tell(operation, performance.now() - durationMs, before, report);
  }

  #tellFailure(
    operation: MeasuredOperation,
    started: number,
    before: MemorySample | undefined,
    { error, report }: { readonly error: unknown; readonly report: OperationReport | undefined },
  ): void {
    if (report === undefined) return;
    const outcome = isRefusal(error, report) ? "refused" : "failed";
    this.#tell(operation, started, before, { ...report, outcome });
  }

  #tell(
    operation: MeasuredOperation,
    started: number,
    before: MemorySample | undefined,
    report: OperationReport,
  ): void {
    const ended = performance.now();
    this.#observer?.({
      id: `${idPrefix}${++measured}`,
      operation: operation.name,
      path: operation.path,
      sizeBytes: report.sizeBytes ?? operation.sizeBytes,
      startedAtMs: timeOrigin + started,
      durationMs: this.#tracking.timing ? ended - started : undefined,
      memory: before === undefined ? undefined : this.#memorySince(before, ended),
      io: this.#tracking.io ? countsOf(report.io) : undefined,
      optimization: report.optimization,
      baselineCalls: report.baselineCalls,
      gain: gainOf(report),
      outcome: report.outcome ?? "done",
      safety: report.safety === undefined ? undefined : this.#trackedOf(report.safety),
      systemLoad: this.#tracking.system ? loadavg()[0] : undefined,
    });
  }

  #trackedOf({ integrity, rollback, recoveryMs }: SafetyFacts): SafetyFacts | undefined {
    const { integrityChecks, rollbacks, recoveries } = this.#tracking;
    const tracked = {
      ...(integrity === undefined || !integrityChecks ? {} : { integrity }),
      ...(rollback === undefined || !rollbacks ? {} : { rollback }),
      ...(recoveryMs === undefined || !recoveries ? {} : { recoveryMs }),
    };
    return Object.keys(tracked).length === 0 ? undefined : tracked;
  }

  #memorySince(before: MemorySample, now: number): MemoryUse {
    const after = this.#memoryAt(now);
    // Most operations are shorter than a sample serves: they share what was seen.
    if (before === after) return after.unchanged;
    const isRaised = after.highBytes > before.highBytes;
    const peak = isRaised ? after.highBytes : Math.max(before.bytes, after.bytes);
    return { before: before.bytes, peak, after: after.bytes };
  }

  #memoryAt(now: number): MemorySample {
    if (now - this.#sampledAt > sampleMs) {
      const bytes = process.memoryUsage.rss();
      this.#sample = sampleOf(bytes, Math.max(bytes, process.resourceUsage().maxRSS * KIB));
      this.#sampledAt = now;
    }
    return this.#sample;
  }
}

function sampleOf(bytes: number, highBytes: number): MemorySample {
  return { bytes, highBytes, unchanged: { before: bytes, peak: bytes, after: bytes } };
}

/** The report of an operation that did nothing. */
export const nothingDone: OperationReport = { io: noIo, optimization: "none", baselineCalls: 0 };

function gainOf({ baselineCalls, io, outcome = "done" }: OperationReport): number {
  return outcome !== "done" || baselineCalls === 0 ? 0 : 1 - callsOf(io) / baselineCalls;
}
