import type { MeasurementObserver } from "../metrics/measurement.ts";
import { Meter, type Tracking } from "../metrics/meter.ts";
import type { ConfigValues } from "./config-keys.ts";

/** A meter that measures what the configuration asks for, nothing when collection is off. */
export function meterOf(values: ConfigValues, observer: MeasurementObserver): Meter {
  if (!values["metrics.collection.enabled"]) return new Meter();
  return new Meter(observer, trackingOf(values));
}

function trackingOf(values: ConfigValues): Tracking {
  return {
    timing: values["metrics.performance.track_timing"],
    memory: values["metrics.performance.track_memory"],
    io: values["metrics.performance.track_io"],
    system: values["metrics.performance.track_system"],
    integrityChecks: values["metrics.safety.track_integrity_checks"],
    rollbacks: values["metrics.safety.track_rollbacks"],
    recoveries: values["metrics.safety.track_recovery_operations"],
  };
}
