import { callsOf, type Measurement } from "./measurement.ts";

/** What a window of measurements adds up to. */
export interface Aggregate {
  readonly operations: number;
  readonly optimized: number;
  readonly failed: number;
  readonly fellBack: number;
  /** Mean gain of the optimised operations that did not fail; 0 when there were none. */
  readonly averageGain: number;
  /** Whether `averageGain` reaches `performance.target_improvement`. */
  readonly meetsTarget: boolean;
  readonly calls: number;
  readonly bytesWritten: number;
  /** Milliseconds, of the operations that did not fail; 0 when timing is not tracked. */
  readonly durationMedianMs: number;
  readonly durationP95Ms: number;
  readonly peakMemoryBytes: number;
  readonly safety: SafetyAggregate;
}

/** What the same measurements tell of safety. Shares are 0 where there is nothing to count. */
export interface SafetyAggregate {
  /** Operations that failed. */
  readonly errors: number;
  readonly errorRate: number;
  /** Those that met content which is not what it has to be. */
  readonly criticalErrors: number;
  readonly integrityChecks: number;
  readonly integrityFailureRate: number;
  readonly rollbacks: number;
  /** Share of all operations that were, or ended in, a rollback. */
  readonly rollbackRate: number;
  readonly rollbackSuccessRate: number;
  readonly recoveries: number;
  readonly recoveryMeanMs: number;
  readonly recoveryMaxMs: number;
}

/** What is kept of a measurement, as columns of numbers. */
const columns = [
  ...["startedAt", "optimized", "outcome", "gain", "calls", "bytes", "took", "peak"],
  ...["integrity", "rollback", "recovery"],
];
const outcomes = { done: 0, failed: 1, fell_back: 2 } as const;
const integrities = { sound: 1, damaged: 2 } as const;
const rollbacks = { done: 1, failed: 2 } as const;
/** No recovery; one may have taken no time at all. */
const noRecovery = -1;

/**
 * Keeps the last measurements, by age and by number, and adds them up. Only their numbers, in
 * memory that is taken once: thousands of objects that live for a minute would cost the collector
 * of garbage more than the operations themselves.
 */
export class MeasurementWindow {
  readonly #ageMaxMs: number;
  readonly #countMax: number;
  readonly #kept: Float64Array;
  #count = 0;

  /**
   * @param ageMaxMs how long a measurement counts; default one minute.
   * @param countMax how many are kept at most; default 10,000, in 880 kB.
   */
  constructor(ageMaxMs = 60_000, countMax = 10_000) {
    this.#ageMaxMs = ageMaxMs;
    this.#countMax = countMax;
    this.#kept = new Float64Array(countMax * columns.length);
  }

  /** Takes a measurement in; fits a meter's observer. */
  readonly observe = (measurement: Measurement): void => {
    const kept = this.#kept;
    const at = (this.#count % this.#countMax) * columns.length;
    kept[at] = measurement.startedAtMs;
    kept[at + 1] = measurement.optimization === "none" ? 0 : 1;
    kept[at + 2] = outcomes[measurement.outcome];
    kept[at + 3] = measurement.gain;
    kept[at + 4] = measurement.io === undefined ? 0 : callsOf(measurement.io);
    kept[at + 5] = measurement.io?.bytesWritten ?? 0;
    kept[at + 6] = measurement.durationMs ?? 0;
    kept[at + 7] = measurement.memory?.peak ?? 0;
    const { safety } = measurement;
    kept[at + 8] = safety?.integrity === undefined ? 0 : integrities[safety.integrity];
    kept[at + 9] = safety?.rollback === undefined ? 0 : rollbacks[safety.rollback];
    kept[at + 10] = safety?.recoveryMs ?? noRecovery;
    this.#count += 1;
  };

  /** Adds up what is not older than the window at `nowMs` (since the epoch). */
  aggregate(targetImprovement: number, nowMs = Date.now()): Aggregate {
    const counted = this.#rowsSince(nowMs - this.#ageMaxMs);
    const column = (index: number) => counted.map((row) => row[index] ?? 0);
    const optimized = counted.filter((row) => row[1] === 1);
    // What was rolled back has saved nothing, however few calls it took.
    const isDone = (row: Float64Array) => row[2] !== outcomes.failed;
    const averageGain = mean(optimized.filter(isDone).map((row) => row[3] ?? 0));
    const durations = counted.filter(isDone).map((row) => row[6] ?? 0);
    durations.sort((a, b) => a - b);
    return {
      operations: counted.length,
      optimized: optimized.length,
      failed: counted.filter((row) => row[2] === outcomes.failed).length,
      fellBack: counted.filter((row) => row[2] === outcomes.fell_back).length,
      averageGain,
      meetsTarget: averageGain >= targetImprovement,
      calls: sum(column(4)),
      bytesWritten: sum(column(5)),
      durationMedianMs: quantile(durations, 0.5),
      durationP95Ms: quantile(durations, 0.95),
      peakMemoryBytes: column(7).reduce((most, bytes) => Math.max(most, bytes), 0),
      safety: safetyOf(counted),
    };
  }

  #rowsSince(oldestMs: number): Float64Array[] {
    const rows: Float64Array[] = [];
    const count = Math.min(this.#count, this.#countMax);
    for (let index = 0; index < count; index++) {
      const at = index * columns.length;
      const row = this.#kept.subarray(at, at + columns.length);
      if ((row[0] ?? 0) >= oldestMs) rows.push(row);
    }
    return rows;
  }
}

function safetyOf(rows: readonly Float64Array[]): SafetyAggregate {
  const count = (index: number, value: number) => rows.filter((row) => row[index] === value).length;
  const errors = count(2, outcomes.failed);
  const damaged = count(8, integrities.damaged);
  const checks = count(8, integrities.sound) + damaged;
  const rolledBack = count(9, rollbacks.done);
  const attempts = rolledBack + count(9, rollbacks.failed);
  const recoveries = rows.map((row) => row[10] ?? noRecovery).filter((ms) => ms !== noRecovery);
  return {
    errors,
    errorRate: shareOf(errors, rows.length),
    criticalErrors: damaged,
    integrityChecks: checks,
    integrityFailureRate: shareOf(damaged, checks),
    rollbacks: attempts,
    rollbackRate: shareOf(attempts, rows.length),
    rollbackSuccessRate: shareOf(rolledBack, attempts),
    recoveries: recoveries.length,
    recoveryMeanMs: mean(recoveries),
    recoveryMaxMs: Math.max(0, ...recoveries),
  };
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
