import { callsOf, type Measurement } from "./measurement.ts";

/** What a window of measurements adds up to. */
export interface Aggregate {
  /** All but those that were refused. */
  readonly operations: number;
  /** Those that were refused before they had done anything: they count nowhere else. */
  readonly refused: number;
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
  /** Those of them that nobody had asked for: something went wrong. Failed ones always count. */
  readonly unaskedRollbacks: number;
  readonly unaskedRollbackRate: number;
  readonly recoveries: number;
  readonly recoveryMeanMs: number;
  readonly recoveryMaxMs: number;
}

/** What is kept of a measurement, as columns of numbers. */
const columns = [
  ...["startedAt", "optimized", "outcome", "gain", "calls", "bytes", "took", "peak"],
  ...["integrity", "rollback", "recovery"],
];
const outcomes = { done: 0, failed: 1, fell_back: 2, refused: 3 } as const;
const integrities = { sound: 1, damaged: 2 } as const;
const rollbacks = { done: 1, failed: 2, asked: 3 } as const;
/** Operations that take something back because that is what was asked for. */
const takingBack: ReadonlySet<string> = new Set(["undo", "restore"]);
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
    kept[at + 9] = rollbackOf(measurement);
    kept[at + 10] = safety?.recoveryMs ?? noRecovery;
    this.#count += 1;
  };

  /** Adds up what is not older than the window at `nowMs` (since the epoch). */
  aggregate(targetImprovement: number, nowMs = Date.now()): Aggregate {
    const length = Math.min(this.#count, this.#countMax) * columns.length;
    const totals = totalsOf(this.#kept.subarray(0, length), nowMs - this.#ageMaxMs);
    const { operations, refused, optimized, failed, fellBack, gains, gain, durations } = totals;
    const averageGain = shareOf(gain, gains);
    return {
      operations,
      refused,
      optimized,
      failed,
      fellBack,
      averageGain,
      meetsTarget: averageGain >= targetImprovement,
      calls: totals.calls,
      bytesWritten: totals.bytesWritten,
      durationMedianMs: quantile(durations, 0.5),
      durationP95Ms: quantile(durations, 0.95),
      peakMemoryBytes: totals.peakMemoryBytes,
      safety: safetyOf(totals),
    };
  }
}

function rollbackOf({ operation, safety }: Measurement): number {
  if (safety?.rollback === undefined) return 0;
  const isAsked = safety.rollback === "done" && takingBack.has(operation);
  return isAsked ? rollbacks.asked : rollbacks[safety.rollback];
}

type Totals = ReturnType<typeof totalsOf>;

/** In one pass and in variables: fields of an object would be made anew for every row. */
function totalsOf(kept: Float64Array, oldestMs: number) {
  const taken = new Float64Array(kept.length / columns.length);
  let [operations, optimized, done, fellBack, gains, gain] = [0, 0, 0, 0, 0, 0];
  let [calls, bytesWritten, peakMemoryBytes, sound, damaged] = [0, 0, 0, 0, 0];
  let refused = 0;
  let [rolledBack, notRolledBack, askedBack, recoveries, recoveryMs, recoveryMaxMs] = [
    0, 0, 0, 0, 0, 0,
  ];
  for (let at = 0; at < kept.length; at += columns.length) {
    if ((kept[at] ?? 0) < oldestMs) continue;
    if (kept[at + 2] === outcomes.refused) {
      refused += 1;
      continue;
    }
    operations += 1;
    // What was rolled back has saved nothing, however few calls it took.
    const isDone = kept[at + 2] !== outcomes.failed;
    if (isDone) taken[done++] = kept[at + 6] ?? 0;
    if (kept[at + 2] === outcomes.fell_back) fellBack += 1;
    if (kept[at + 1] === 1) {
      optimized += 1;
      if (isDone) gains += 1;
      if (isDone) gain += kept[at + 3] ?? 0;
    }
    calls += kept[at + 4] ?? 0;
    bytesWritten += kept[at + 5] ?? 0;
    peakMemoryBytes = Math.max(peakMemoryBytes, kept[at + 7] ?? 0);
    if (kept[at + 8] === integrities.sound) sound += 1;
    if (kept[at + 8] === integrities.damaged) damaged += 1;
    if (kept[at + 9] === rollbacks.done) rolledBack += 1;
    if (kept[at + 9] === rollbacks.failed) notRolledBack += 1;
    if (kept[at + 9] === rollbacks.asked) askedBack += 1;
    const recovery = kept[at + 10] ?? noRecovery;
    if (recovery === noRecovery) continue;
    recoveries += 1;
    recoveryMs += recovery;
    recoveryMaxMs = Math.max(recoveryMaxMs, recovery);
  }
  const durations = taken.subarray(0, done).sort();
  return {
    ...{
      operations,
      refused,
      optimized,
      failed: operations - done,
      fellBack,
      gains,
      gain,
      durations,
    },
    ...{ calls, bytesWritten, peakMemoryBytes, sound, damaged },
    ...{ rolledBack, notRolledBack, askedBack, recoveries, recoveryMs, recoveryMaxMs },
  };
}

function safetyOf(totals: Totals): SafetyAggregate {
  const { operations, failed, sound, damaged, rolledBack, notRolledBack, askedBack } = totals;
  const unasked = rolledBack + notRolledBack;
  const attempts = unasked + askedBack;
  return {
    errors: failed,
    errorRate: shareOf(failed, operations),
    criticalErrors: damaged,
    integrityChecks: sound + damaged,
    integrityFailureRate: shareOf(damaged, sound + damaged),
    rollbacks: attempts,
    rollbackRate: shareOf(attempts, operations),
    rollbackSuccessRate: shareOf(rolledBack + askedBack, attempts),
    unaskedRollbacks: unasked,
    unaskedRollbackRate: shareOf(unasked, operations),
    recoveries: totals.recoveries,
    recoveryMeanMs: shareOf(totals.recoveryMs, totals.recoveries),
    recoveryMaxMs: totals.recoveryMaxMs,
  };
}

function shareOf(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
