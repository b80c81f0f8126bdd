import type { ConfigValues } from "../config/config-keys.ts";
import { defaultConfigValues, isLegacy } from "../config/default-values.ts";
import { MIB } from "../limits.ts";

/** What the optimiser goes by. */
export interface OptimizerSettings {
  /** `write_optimization.enabled`, and not `WRITE_OPTIMIZATION_LEGACY`. */
  readonly enabled: boolean;
  /** `thresholds.min_operations_for_batch`. */
  readonly operationsForBatchMin: number;
  /** `thresholds.min_content_size_for_optimization`, in bytes. */
  readonly contentBytesMin: number;
  /** `thresholds.max_batch_size`. */
  readonly batchFilesMax: number;
  /** How long operations are gathered before they are looked at together. */
  readonly windowMs: number;
  /** Size from which a file is edited by extents rather than in memory. */
  readonly streamBytesMin: number;
}

/** Long enough for a burst of writes, short enough not to be felt. */
const windowMs = 2000;
const streamBytesMin = 16 * MIB;

/**
 * The optimiser's settings as the configuration has them, such as `effectiveConfig({ root })`.
 *
 * @param given its values; by default those without any file, which is the defaults, and nothing
 *   optimised where the environment says `WRITE_OPTIMIZATION_LEGACY=true`.
 */
export function optimizerSettingsOf(given?: ConfigValues): OptimizerSettings {
  const values = given ?? defaultConfigValues();
  const isOff = given === undefined && isLegacy(process.env);
  return {
    enabled: values["write_optimization.enabled"] && !isOff,
    operationsForBatchMin: values["write_optimization.thresholds.min_operations_for_batch"],
    contentBytesMin: values["write_optimization.thresholds.min_content_size_for_optimization"],
    batchFilesMax: values["write_optimization.thresholds.max_batch_size"],
    windowMs,
    streamBytesMin,
  };
}

/** Whether an explicit call may optimise: as it was told, else as the environment says. */
export function isOptimizing(given?: Pick<OptimizerSettings, "enabled">): boolean {
  return given === undefined ? !isLegacy(process.env) : given.enabled;
}
