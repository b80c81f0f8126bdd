import { callsOf, type Measurement, optimizationKinds } from "../../metrics/measurement.ts";
import { MeasurementWindow } from "../../metrics/measurement-window.ts";
import type {
  DashboardState,
  OperationFigures,
  OptimizationFigures,
  Period,
} from "./dashboard-state.ts";

const periodsMs: Readonly<Record<Period, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 24 * 3_600_000,
};
const periods = ["minute", "hour", "day"] as const;

/** In 5 MB; more would take more than some milliseconds to add up. */
const countMax = 10_000;
const operationNamesMax = 20;

/** What measurements add up to. */
export type MeasuredFigures = Pick<DashboardState, "windows" | "optimizations" | "operations">;

/** Holds the measurements of the last day, and adds them up. */
export class RecentMeasurements {
  #kept: Measurement[] = [];
  #windows = newWindows();

  /** The newest ones, newest first. */
  latest(count: number): Measurement[] {
    return this.#kept.slice(-count).reverse();
  }

  add(measurements: readonly Measurement[]): void {
    this.#kept = [...this.#kept, ...measurements].slice(-countMax);
    for (const measurement of measurements) {
      for (const period of periods) this.#windows[period].observe(measurement);
    }
  }

  clear(): void {
    this.#kept = [];
    this.#windows = newWindows();
  }

  figures(targetImprovement: number, nowMs: number): MeasuredFigures {
    const { minute, hour, day } = this.#windows;
    const oldestMs = nowMs - periodsMs.day;
    const ofDay = this.#kept.filter(({ startedAtMs }) => startedAtMs >= oldestMs);
    return {
      windows: {
        minute: minute.aggregate(targetImprovement, nowMs),
        hour: hour.aggregate(targetImprovement, nowMs),
        day: day.aggregate(targetImprovement, nowMs),
      },
      optimizations: optimizationsOf(ofDay),
      operations: operationsOf(ofDay),
    };
  }

  /** When the next measurement leaves a window, so that figures change by themselves. */
  nextChangeMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { startedAtMs } of this.#kept) {
      for (const period of periods) {
        const leavesMs = startedAtMs + periodsMs[period];
        if (leavesMs >= nowMs && leavesMs < next) next = leavesMs;
      }
    }
    return next;
  }
}

function newWindows(): Record<Period, MeasurementWindow> {
  return {
    minute: new MeasurementWindow(periodsMs.minute, countMax),
    hour: new MeasurementWindow(periodsMs.hour, countMax),
    day: new MeasurementWindow(periodsMs.day, countMax),
  };
}

function optimizationsOf(measurements: readonly Measurement[]): OptimizationFigures[] {
  return optimizationKinds.flatMap((kind): OptimizationFigures[] => {
    const ofKind = measurements.filter(({ optimization }) => optimization === kind);
    if (ofKind.length === 0) return [];
    const done = ofKind.filter(({ outcome }) => outcome === "done");
    const savesNoCalls = kind === "none" || kind === "stream";
    return [
      {
        kind,
        operations: ofKind.length,
        failed: ofKind.filter(({ outcome }) => outcome === "failed").length,
        fellBack: ofKind.filter(({ outcome }) => outcome === "fell_back").length,
        needless: savesNoCalls ? 0 : done.filter(({ gain }) => gain <= 0).length,
        averageGain: done.length === 0 ? 0 : sumOf(done, ({ gain }) => gain) / done.length,
        callsSaved: sumOf(done, callsSavedBy),
      },
    ];
  });
}

function callsSavedBy({ baselineCalls, io }: Measurement): number {
  return io === undefined || baselineCalls === 0 ? 0 : baselineCalls - callsOf(io);
}

function operationsOf(measurements: readonly Measurement[]): OperationFigures[] {
  const byName = new Map<string, Measurement[]>();
  for (const measurement of measurements) {
    const found = byName.get(measurement.operation);
    if (found === undefined) byName.set(measurement.operation, [measurement]);
    else found.push(measurement);
  }
  const all = [...byName].map(([name, named]): OperationFigures => {
    const failed = named.filter(({ outcome }) => outcome === "failed").length;
    const bytesWritten = sumOf(named, ({ io }) => io?.bytesWritten ?? 0);
    const durationMedianMs = medianOf(named.map(({ durationMs }) => durationMs ?? 0));
    return { name, count: named.length, failed, durationMedianMs, bytesWritten };
  });
  return all.sort((a, b) => b.count - a.count).slice(0, operationNamesMax);
}

function sumOf(
  measurements: readonly Measurement[],
  figureOf: (measurement: Measurement) => number,
): number {
  return measurements.reduce((sum, measurement) => sum + figureOf(measurement), 0);
}

function medianOf(values: readonly number[]): number {
  return Float64Array.from(values).sort()[Math.floor(values.length / 2)] ?? 0;
}
