import { callsOf, type Measurement } from "./measurement.ts";

/** What a window of measurements adds up to. */
export interface Aggregate {
  readonly operations: number;
  readonly optimized: number;
  readonly failed: number;
  readonly fellBack: number;
  /** Mean gain of the optimised operations, 0 to 1; 0 when there were none. */
  readonly averageGain: number;
  /** Whether `averageGain` reaches `performance.target_improvement`. */
  readonly meetsTarget: boolean;
  readonly calls: number;
  readonly bytesWritten: number;
  /** Milliseconds; 0 when timing is not tracked. */
  readonly durationMedianMs: number;
  readonly durationP95Ms: number;
  readonly peakMemoryBytes: number;
}

/** Keeps the last measurements, by age and by number, and adds them up. */
export class MeasurementWindow {
  readonly #ageMaxMs: number;
  readonly #countMax: number;
  #kept: Measurement[] = [];

  /**
   * @param ageMaxMs how long a measurement counts; default one minute.
   * @param countMax how many are kept at most; default 10,000, some 3 MB.
   */
  constructor(ageMaxMs = 60_000, countMax = 10_000) {
    this.#ageMaxMs = ageMaxMs;
    this.#countMax = countMax;
  }

  /** Takes a measurement in; fits a meter's observer. */
  readonly observe = (measurement: Measurement): void => {
    this.#kept.push(measurement);
    // Trimmed in one go now and then: a shift for each would cost as much as the operation.
    if (this.#kept.length > this.#countMax * 2) this.#kept = this.#kept.slice(-this.#countMax);
  };

  /** Adds up what is not older than the window at `nowMs` (since the epoch). */
  aggregate(targetImprovement: number, nowMs = Date.now()): Aggregate {
    const oldest = nowMs - this.#ageMaxMs;
    const counted = this.#kept
      .slice(-this.#countMax)
      .filter(({ startedAtMs }) => startedAtMs >= oldest);
    const optimized = counted.filter(({ optimization }) => optimization !== "none");
    const averageGain = mean(optimized.map(({ gain }) => gain));
    const durations = counted.map(({ durationMs }) => durationMs ?? 0).sort((a, b) => a - b);
    return {
      operations: counted.length,
      optimized: optimized.length,
      failed: counted.filter(({ outcome }) => outcome === "failed").length,
      fellBack: counted.filter(({ outcome }) => outcome === "fell_back").length,
      averageGain,
      meetsTarget: averageGain >= targetImprovement,
      calls: sum(counted.map(({ io }) => (io === undefined ? 0 : callsOf(io)))),
      bytesWritten: sum(counted.map(({ io }) => io?.bytesWritten ?? 0)),
      durationMedianMs: quantile(durations, 0.5),
      durationP95Ms: quantile(durations, 0.95),
      peakMemoryBytes: Math.max(0, ...counted.map(({ memory }) => memory?.peak ?? 0)),
    };
  }
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
