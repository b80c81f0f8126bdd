import { describe, expect, it } from "vitest";
import { AlertWatch } from "../../src/metrics/alert-watch.ts";
import { type Alert, type AlertFigures, alertsOf } from "../../src/metrics/alerts.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { MeasurementWindow } from "../../src/metrics/measurement-window.ts";
import { Meter, nothingDone } from "../../src/metrics/meter.ts";

const thresholds = {
  averageGainMin: 0.15,
  integrityFailureRateMax: 0.001,
  rollbackRateMax: 0.05,
  errorRateMax: 0.01,
  fallBackRateMax: 0.05,
};

const sound = new MeasurementWindow().aggregate(0);

/** The figures of a hundred operations with nothing wrong, but for some. */
function figures({
  safety,
  ...rest
}: Partial<Omit<AlertFigures, "safety">> & {
  readonly safety?: Partial<AlertFigures["safety"]>;
} = {}): AlertFigures {
  const all = { ...sound, operations: 100, optimized: 100, averageGain: 0.5, ...rest };
  return { ...all, safety: { ...sound.safety, ...safety } };
}

const idsOf = (alerts: readonly Alert[]) => alerts.map(({ id }) => id);

describe("an alert", () => {
  it("is not raised by figures that are well, nor by ones that are at the bound", () => {
    expect(alertsOf(figures(), thresholds)).toEqual([]);
    const bounds = { integrityFailureRate: 0.001, unaskedRollbackRate: 0.05, errorRate: 0.01 };
    const atBounds = figures({ averageGain: 0.15, fellBack: 5, safety: bounds });
    expect(alertsOf(atBounds, thresholds)).toEqual([]);
  });

  it.each([
    [
      figures({ averageGain: 0.149 }),
      { id: "average_gain", kind: "PerformanceAlert", severity: "warning", value: 0.149 },
    ],
    [
      figures({ safety: { integrityFailureRate: 0.0011 } }),
      { id: "integrity_failures", kind: "SafetyAlert", severity: "critical", value: 0.0011 },
    ],
    [
      figures({ safety: { unaskedRollbackRate: 0.051 } }),
      { id: "rollback_rate", kind: "SafetyAlert", severity: "warning", value: 0.051 },
    ],
    [
      figures({ safety: { errorRate: 0.011 } }),
      { id: "error_rate", kind: "SafetyAlert", severity: "warning", value: 0.011 },
    ],
    [
      figures({ fellBack: 6 }),
      { id: "missed_opportunities", kind: "OptimizationAlert", severity: "warning", value: 0.06 },
    ],
  ])("is raised by the figure that is past its bound: %#", (wrong, alert) => {
    expect(alertsOf(wrong, thresholds)).toMatchObject([alert]);
  });

  it("takes 20 operations to warn, and one to be critical, which comes first", () => {
    const safety = { errorRate: 0.5, unaskedRollbackRate: 0.5, integrityFailureRate: 0.5 };
    const few = figures({ operations: 19, optimized: 19, averageGain: 0, safety });
    expect(idsOf(alertsOf(few, thresholds))).toEqual(["integrity_failures"]);
    const enough = figures({ operations: 20, optimized: 20, averageGain: 0, safety });
    expect(idsOf(alertsOf(enough, thresholds))).toEqual([
      "integrity_failures",
      "rollback_rate",
      "error_rate",
      "average_gain",
    ]);
  });

  it("says how many operations it is about, and what is bounded", () => {
    const safety = { errorRate: 0.02, errors: 2 };
    expect(alertsOf(figures({ safety }), thresholds)[0]?.message).toMatch(
      /^2 of 100 operations failed, more than 1 %/,
    );
  });
});

describe("a watch", () => {
  /** Watches operations of which some are rolled back. */
  function watching(raisesCritical = true) {
    const raised: Alert[] = [];
    const watch = new AlertWatch({
      thresholds,
      raisesCritical,
      onAlert: (alert) => raised.push(alert),
    });
    return { watch, raised, ...measuring(watch.observe) };
  }

  function measuring(observer: (measurement: Measurement) => void) {
    const meter = new Meter(observer);
    const work = (count: number, safety: Measurement["safety"] = {}) => {
      for (let n = 0; n < count; n++) {
        meter.note({ name: "work", sizeBytes: 0 }, 1, { ...nothingDone, safety: safety ?? {} });
      }
    };
    return { work };
  }

  it("tells of an alert once, and again only when it was over", () => {
    const { watch, raised, work } = watching();
    work(18);
    work(2, { rollback: "done" });
    watch.look(Date.now());
    watch.look(Date.now());
    work(1, { rollback: "done" });
    watch.look(Date.now());
    expect(idsOf(raised)).toEqual(["rollback_rate"]);
    expect(idsOf(watch.active)).toEqual(["rollback_rate"]);
    work(60);
    watch.look(Date.now());
    expect(watch.active).toEqual([]);
    work(20, { rollback: "failed" });
    watch.look(Date.now());
    expect(idsOf(raised)).toEqual(["rollback_rate", "rollback_rate"]);
  });

  it("counts what was measured earlier, without telling of it again", () => {
    const earlier: Measurement[] = [];
    measuring((measurement) => earlier.push(measurement)).work(20, { rollback: "done" });
    const { watch, raised, work } = watching();
    watch.recall(earlier, Date.now());
    expect(idsOf(watch.active)).toEqual(["rollback_rate"]);
    work(1, { integrity: "damaged" });
    watch.look(Date.now());
    expect(idsOf(raised)).toEqual(["integrity_failures"]);
    const dayMs = 24 * 3_600_000;
    watch.look(Date.now() + dayMs + 1000);
    expect(watch.active).toEqual([]);
  });

  it("raises nothing critical where that is switched off", () => {
    const { watch, raised, work } = watching(false);
    work(1, { integrity: "damaged" });
    watch.look(Date.now());
    expect(raised).toEqual([]);
  });
});
