import { resolve } from "node:path";
import { checkOptions, type NamesOf } from "../check-options.ts";
import type { Disk } from "../disk/disk.ts";
import { NodeDisk } from "../disk/node/node-disk.ts";
import { mailAlert } from "../metrics/alert-mail.ts";
import { AlertWatch } from "../metrics/alert-watch.ts";
import type { Alert } from "../metrics/alerts.ts";
import type { Measurement } from "../metrics/measurement.ts";
import { MeasurementLog } from "../metrics/measurement-log.ts";
import { type Aggregate, MeasurementWindow } from "../metrics/measurement-window.ts";
import type { Meter } from "../metrics/meter.ts";
import { healthAlertsOf } from "../metrics/system-health.ts";
import { alertThresholdsOf } from "./alert-thresholds.ts";
import type { ConfigValues } from "./config-keys.ts";
import { meterOf } from "./meter-of.ts";
import { readSystemHealth } from "./system-health.ts";

/** Measuring as the configuration asks for it; see {@link collectMetrics}. */
export interface MetricsCollection extends Disposable {
  /** To be given to engines, tools and overlays. */
  readonly meter: Meter;
  /** The last minute, held against `performance.target_improvement`. */
  aggregate(): Aggregate;
  /** Alerts that stand, critical ones first. */
  readonly alerts: readonly Alert[];
  /** Takes in what another meter has measured. */
  observe(measurement: Measurement): void;
  /** Looks for alerts, and writes what the file does not hold yet. */
  flush(): void;
  /** Why the file is not written any more, when it could not be. */
  readonly problem: Error | undefined;
  /**
   * Resolves when every alert so far that is to be mailed has been handed over, or could not be:
   * with the reason for the last one.
   */
  mailed(): Promise<Error | undefined>;
}

/** Where to collect, and who hears of it. */
export interface CollectOptions {
  /** The directory that `file_path` is relative to. */
  readonly root: string;
  readonly disk?: Disk;
  /** Milliseconds since the epoch; the system's clock by default. */
  readonly now?: () => number;
  /**
   * Whether memory, and disk and journal of the root, are looked at as well, once an interval. True
   * by default.
   */
  readonly watchesSystem?: boolean;
  /** Told of each alert once, when what it is about begins. It must not throw. */
  readonly onAlert?: (alert: Alert) => void;
}

const names = {
  root: true,
  disk: true,
  now: true,
  watchesSystem: true,
  onAlert: true,
} satisfies NamesOf<CollectOptions>;

/**
 * Measures what the configuration asks for and keeps it where it says: in memory, or in a file
 * below the root as well. There is no database as yet: `database` is kept in the file.
 *
 * Once an interval, and at the end, alerts are looked for, also among what the file holds of
 * earlier. Where alerts are logged, they are lines of the file. Where they are mailed, `sendmail`
 * gets them, for `$MAILTO` or the user.
 *
 * @example
 * using metrics = collectMetrics(effectiveConfig({ root }).values, { root });
 * await batch(overlay, build, { meter: metrics.meter });
 */
export function collectMetrics(values: ConfigValues, options: CollectOptions): MetricsCollection {
  checkOptions("collectMetrics", options, names);
  const { now = Date.now } = options;
  const window = new MeasurementWindow();
  const log = logOf(values, options);
  let mailed = Promise.resolve<Error | undefined>(undefined);
  const watch = watchOf(values, log, {
    ...options,
    onAlert(alert) {
      if (values["alerts.notifications.email"]) {
        mailed = mailed.then(async (before) => (await mailAlert(alert, options.root)) ?? before);
      }
      options.onAlert?.(alert);
    },
  });
  const intervalMs = values["metrics.collection.interval"];
  let lookedAtMs = now();
  const look = () => {
    lookedAtMs = now();
    watch?.look(lookedAtMs);
  };
  const observe = (measurement: Measurement) => {
    window.observe(measurement);
    watch?.observe(measurement);
    if (now() - lookedAtMs >= intervalMs) look();
    log?.observe(measurement);
  };
  const flush = () => {
    look();
    log?.flush();
  };
  return {
    meter: meterOf(values, observe),
    observe,
    flush,
    aggregate: () => window.aggregate(values["write_optimization.performance.target_improvement"]),
    get alerts() {
      return watch?.active ?? [];
    },
    get problem() {
      return log?.problem;
    },
    mailed: () => mailed,
    [Symbol.dispose]: flush,
  };
}

function logOf(values: ConfigValues, options: CollectOptions): MeasurementLog | undefined {
  if (values["metrics.storage.backend"] === "memory") return undefined;
  const { root, disk = new NodeDisk(), now } = options;
  return new MeasurementLog({
    disk,
    root,
    path: resolve(root, values["metrics.storage.file_path"]),
    maxBytes: values["metrics.storage.max_file_size"],
    retentionMs: values["metrics.collection.retention"],
    intervalMs: values["metrics.collection.interval"],
    ...(now === undefined ? {} : { now }),
  });
}

function watchOf(
  values: ConfigValues,
  log: MeasurementLog | undefined,
  options: CollectOptions,
): AlertWatch | undefined {
  if (!values["alerts.enabled"] || !values["metrics.collection.enabled"]) return undefined;
  const { now = Date.now, onAlert } = options;
  const isLogged = values["alerts.notifications.log"];
  const watch = new AlertWatch({
    thresholds: alertThresholdsOf(values),
    raisesCritical: values["safety.emergency.alert_on_critical"],
    ...(options.watchesSystem === false ? {} : { others: () => healthAlerts(values, options) }),
    onAlert(alert) {
      const { id, ...facts } = alert;
      if (isLogged) log?.note({ id, startedAtMs: now(), ...facts });
      onAlert?.(alert);
    },
  });
  watch.recall(log?.recent() ?? [], now());
  return watch;
}

function healthAlerts(
  values: ConfigValues,
  { disk = new NodeDisk(), root, now = Date.now }: CollectOptions,
): Alert[] {
  const health = readSystemHealth(disk, root, now());
  return healthAlertsOf(health, values["write_optimization.performance.memory_limit"]);
}
