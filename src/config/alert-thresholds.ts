import type { AlertThresholds } from "../metrics/alerts.ts";
import type { ConfigValues } from "./config-keys.ts";

/** Shares of operations that may fail and fall back; there are no keys for them. */
const errorRateMax = 0.01;
const fallBackRateMax = 0.05;

/** The bounds of alerts, as the configuration has them. */
export function alertThresholdsOf(values: ConfigValues): AlertThresholds {
  return {
    averageGainMin: values["alerts.thresholds.performance_gain_warning"],
    integrityFailureRateMax: values["alerts.thresholds.integrity_failure_critical"],
    rollbackRateMax: values["alerts.thresholds.rollback_rate_warning"],
    errorRateMax,
    fallBackRateMax,
  };
}
