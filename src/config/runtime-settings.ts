import type { EffectiveConfig } from "./effective-config.ts";

/** What the overlay and its commit take from the configuration; fits the options of both. */
export interface OverlaySettings {
  /** `write_optimization.performance.memory_limit`. */
  readonly memoryLimitBytes: number;
  /** `write_optimization.performance.io_timeout`. */
  readonly lockWaitMs: number;
  /** `write_optimization.thresholds.max_batch_size`. */
  readonly batchFilesMax: number;
}

/** The settings of overlay and commit. */
export function overlaySettingsOf({ values }: EffectiveConfig): OverlaySettings {
  return {
    memoryLimitBytes: values["write_optimization.performance.memory_limit"],
    lockWaitMs: values["write_optimization.performance.io_timeout"],
    batchFilesMax: values["write_optimization.thresholds.max_batch_size"],
  };
}
