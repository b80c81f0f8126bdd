import type { ConfigKeyName } from "../../config/config-keys.ts";
import type { DraftSummary } from "../../drafts/draft-list.ts";
import type { Alert } from "../../metrics/alerts.ts";
import type { Measurement, OptimizationKind } from "../../metrics/measurement.ts";
import type { Aggregate } from "../../metrics/measurement-window.ts";

/** Everything that the dashboard shows. It differs from the one before only where something has. */
export interface DashboardState {
  readonly root: string;
  /** Milliseconds since the epoch. */
  readonly changedAtMs: number;
  /** What keeps figures from being complete, a sentence each. */
  readonly notices: readonly string[];
  readonly alerts: DashboardAlerts;
  /** Over the last minute, hour and day: at most 10,000 operations. */
  readonly windows: Readonly<Record<Period, Aggregate>>;
  /** Of the last day: each kind that there was, and what became of it. */
  readonly optimizations: readonly OptimizationFigures[];
  /** Of the last day: each operation that there was, the most frequent first; at most 20. */
  readonly operations: readonly OperationFigures[];
  /** The share of calls that optimised operations are to save on average. */
  readonly targetImprovement: number;
  readonly health: DashboardHealth;
  readonly drafts: readonly DraftSummary[];
  /** The last operations, newest first. */
  readonly recent: readonly Measurement[];
}

export type Period = "minute" | "hour" | "day";

/** Alerts that stand, unless the configuration hides them. */
export interface DashboardAlerts {
  /** The key that hides them. */
  readonly hiddenBy?: ConfigKeyName;
  /** Critical ones first. */
  readonly active: readonly Alert[];
}

export interface OptimizationFigures {
  readonly kind: OptimizationKind;
  readonly operations: number;
  readonly failed: number;
  readonly fellBack: number;
  /** Done, and no call was saved. Streams save memory and never count. */
  readonly needless: number;
  readonly averageGain: number;
  readonly callsSaved: number;
}

export interface OperationFigures {
  readonly name: string;
  readonly count: number;
  readonly failed: number;
  readonly durationMedianMs: number;
  readonly bytesWritten: number;
}

/** Sizes are rounded down by up to a 64th, so that they stand still for a while. */
export interface DashboardHealth {
  readonly memoryFreeBytes: number;
  readonly memoryBytes: number;
  /** `null` where it cannot be told. */
  readonly diskFreeBytes: number | null;
  readonly isJournalStuck: boolean;
}
