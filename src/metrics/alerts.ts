import type { Aggregate } from "./measurement-window.ts";

/** What is wrong with the figures, and where it stops to be. */
export interface Alert {
  /** The same for as long as the same thing is wrong. */
  readonly id:
    | "average_gain"
    | "integrity_failures"
    | "rollback_rate"
    | "error_rate"
    | "missed_opportunities"
    | "memory"
    | "disk_space"
    | "stuck_journal";
  readonly kind: "PerformanceAlert" | "SafetyAlert" | "SystemHealthAlert" | "OptimizationAlert";
  readonly severity: "warning" | "critical";
  readonly value: number;
  /** The bound that `value` is on the wrong side of. */
  readonly threshold: number;
  /** What is wrong and what to look at, as a sentence. */
  readonly message: string;
}

/** The bounds, as shares from 0 to 1; those of `alerts.thresholds`. */
export interface AlertThresholds {
  readonly averageGainMin: number;
  readonly integrityFailureRateMax: number;
  readonly rollbackRateMax: number;
  readonly errorRateMax: number;
  /** Of operations that an engine took on and then did the standard way. */
  readonly fallBackRateMax: number;
}

/** What alerts are raised by. */
export type AlertFigures = Pick<
  Aggregate,
  "operations" | "optimized" | "fellBack" | "averageGain" | "safety"
>;

/**
 * Operations from which on their shares say something: one failure of two is no trouble.
 * A failed check of integrity is, whatever else there was.
 */
const operationsMin = 20;

/** The alerts that figures give rise to, critical ones first. Pure. */
export function alertsOf(figures: AlertFigures, thresholds: AlertThresholds): Alert[] {
  const { operations, optimized, averageGain, safety } = figures;
  const alerts: Alert[] = [];
  const { integrityFailureRate, integrityChecks, criticalErrors } = safety;
  if (integrityFailureRate > thresholds.integrityFailureRateMax) {
    alerts.push({
      id: "integrity_failures",
      kind: "SafetyAlert",
      severity: "critical",
      value: integrityFailureRate,
      threshold: thresholds.integrityFailureRateMax,
      message:
        `${criticalErrors} of ${integrityChecks} integrity checks failed. Run draftfs verify, ` +
        "and suspect memory and disk.",
    });
  }
  if (operations >= operationsMin && safety.unaskedRollbackRate > thresholds.rollbackRateMax) {
    alerts.push({
      id: "rollback_rate",
      kind: "SafetyAlert",
      severity: "warning",
      value: safety.unaskedRollbackRate,
      threshold: thresholds.rollbackRateMax,
      message:
        `${safety.unaskedRollbacks} of ${operations} operations failed and were taken back, ` +
        `more than ${percent(thresholds.rollbackRateMax)}. Their errors say why.`,
    });
  }
  if (operations >= operationsMin && safety.errorRate > thresholds.errorRateMax) {
    alerts.push({
      id: "error_rate",
      kind: "SafetyAlert",
      severity: "warning",
      value: safety.errorRate,
      threshold: thresholds.errorRateMax,
      message:
        `${safety.errors} of ${operations} operations failed, more than ` +
        `${percent(thresholds.errorRateMax)}. Their errors say why.`,
    });
  }
  if (optimized >= operationsMin && averageGain < thresholds.averageGainMin) {
    alerts.push({
      id: "average_gain",
      kind: "PerformanceAlert",
      severity: "warning",
      value: averageGain,
      threshold: thresholds.averageGainMin,
      message:
        `${optimized} optimised operations saved ${percent(averageGain)} of their calls on ` +
        `average, less than ${percent(thresholds.averageGainMin)}.`,
    });
  }
  const missed = missedAlertOf(figures, thresholds);
  return missed === undefined ? alerts : [...alerts, missed];
}

/** An opportunity was seen, and what was to be saved was not: the engine fell back. */
function missedAlertOf(
  { operations, fellBack }: AlertFigures,
  { fallBackRateMax }: AlertThresholds,
): Alert | undefined {
  const value = operations === 0 ? 0 : fellBack / operations;
  if (operations < operationsMin || value <= fallBackRateMax) return undefined;
  return {
    id: "missed_opportunities",
    kind: "OptimizationAlert",
    severity: "warning",
    value,
    threshold: fallBackRateMax,
    message:
      `${fellBack} of ${operations} operations could have been optimised and were done the ` +
      `standard way, more than ${percent(fallBackRateMax)}. Their results say why (fallback).`,
  };
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
