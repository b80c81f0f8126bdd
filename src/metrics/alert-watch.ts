import { type Alert, type AlertThresholds, alertsOf } from "./alerts.ts";
import type { Measurement } from "./measurement.ts";
import { MeasurementWindow } from "./measurement-window.ts";

/** The last day, so that a trouble which is over is forgotten, and in it so many operations. */
const ageMaxMs = 24 * 3_600_000;
const countMax = 1000;

/** How measurements are watched. */
export interface AlertWatchOptions {
  readonly thresholds: AlertThresholds;
  /** Whether critical alerts are raised at all (`alert_on_critical`). */
  readonly raisesCritical: boolean;
  /** Alerts about anything else than what was measured, asked for at each look. */
  readonly others?: () => readonly Alert[];
  /** Told of each alert once, when what it is about begins. It must not throw. */
  readonly onAlert: (alert: Alert) => void;
}

/**
 * Listens to measurements and raises alerts: of each id one, until what it is about is over and
 * begins again. The last 1,000 operations of a day count.
 */
export class AlertWatch {
  readonly #options: AlertWatchOptions;
  readonly #window = new MeasurementWindow(ageMaxMs, countMax);
  #active: readonly Alert[] = [];

  constructor(options: AlertWatchOptions) {
    this.#options = options;
  }

  /** Alerts that stand, critical ones first. */
  get active(): readonly Alert[] {
    return this.#active;
  }

  /** Takes a measurement in; fits a meter's observer. */
  readonly observe = (measurement: Measurement): void => this.#window.observe(measurement);

  /** Takes in what was measured earlier. What stands already was told of then. */
  recall(measurements: Iterable<Measurement>, nowMs: number): void {
    for (const measurement of measurements) this.#window.observe(measurement);
    this.#active = this.#alertsAt(nowMs);
  }

  /** Adds up what was observed, and tells of what is new. */
  look(nowMs: number): void {
    const known = new Set(this.#active.map(({ id }) => id));
    this.#active = [...this.#alertsAt(nowMs), ...(this.#options.others?.() ?? [])];
    for (const alert of this.#active) if (!known.has(alert.id)) this.#options.onAlert(alert);
  }

  #alertsAt(nowMs: number): Alert[] {
    const { thresholds, raisesCritical } = this.#options;
    const alerts = alertsOf(this.#window.aggregate(0, nowMs), thresholds);
    return raisesCritical ? alerts : alerts.filter(({ severity }) => severity !== "critical");
  }
}
