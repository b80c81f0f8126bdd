import { resolve } from "node:path";
import type { Disk } from "../disk/disk.ts";
import { NodeDisk } from "../disk/node-disk.ts";
import type { Measurement } from "../metrics/measurement.ts";
import { MeasurementLog } from "../metrics/measurement-log.ts";
import { type Aggregate, MeasurementWindow } from "../metrics/measurement-window.ts";
import { Meter } from "../metrics/meter.ts";
import type { ConfigValues } from "./config-keys.ts";

/** Measuring as the configuration asks for it; see {@link collectMetrics}. */
export interface MetricsCollection extends Disposable {
  /** To be given to engines and tools. */
  readonly meter: Meter;
  /** The last minute, held against `performance.target_improvement`. */
  aggregate(): Aggregate;
  /** Writes what the file does not hold yet. */
  flush(): void;
  /** Why the file is not written any more, when it could not be. */
  readonly problem: Error | undefined;
}

/**
 * Measures what the configuration asks for and keeps it where it says: in memory, or in a file
 * below the root as well. There is no database as yet: `database` is kept in the file.
 *
 * @example
 * using metrics = collectMetrics(effectiveConfig({ root }).values, { root });
 * await batch(overlay, build, { meter: metrics.meter });
 */
export function collectMetrics(
  values: ConfigValues,
  options: { readonly root: string; readonly disk?: Disk; readonly now?: () => number },
): MetricsCollection {
  const { root, disk = new NodeDisk(), now } = options;
  const window = new MeasurementWindow();
  const isKept = values["metrics.storage.backend"] !== "memory";
  const log = !isKept
    ? undefined
    : new MeasurementLog({
        disk,
        path: resolve(root, values["metrics.storage.file_path"]),
        maxBytes: values["metrics.storage.max_file_size"],
        retentionMs: values["metrics.collection.retention"],
        intervalMs: values["metrics.collection.interval"],
        ...(now === undefined ? {} : { now }),
      });
  const meter = meterOf(values, (measurement) => {
    window.observe(measurement);
    log?.observe(measurement);
  });
  return {
    meter,
    aggregate: () => window.aggregate(values["write_optimization.performance.target_improvement"]),
    flush: () => log?.flush(),
    get problem() {
      return log?.problem;
    },
    [Symbol.dispose]: () => log?.flush(),
  };
}

/** A meter that measures what the configuration asks for, nothing when collection is off. */
export function meterOf(values: ConfigValues, observer: (measurement: Measurement) => void): Meter {
  if (!values["metrics.collection.enabled"]) return new Meter();
  return new Meter(observer, {
    timing: values["metrics.performance.track_timing"],
    memory: values["metrics.performance.track_memory"],
    io: values["metrics.performance.track_io"],
    system: values["metrics.performance.track_system"],
  });
}
