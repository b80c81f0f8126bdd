import {
  type AgentName,
  type AgentProfile,
  agentProfileOf,
  openProfile,
} from "../config/agent-profile.ts";
import type { ConfigValues } from "../config/config-keys.ts";
import { defaultConfigValues, isLegacy } from "../config/default-values.ts";
import { MIB } from "../limits.ts";
import type { EngineOverlay } from "./overlay-port.ts";

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
  /** What is done for the agent that the settings were made for; everything without one. */
  readonly profile: AgentProfile;
}

/** What an explicit call goes by; what is left out is as the overlay has it. */
export type ExplicitSettings = Pick<OptimizerSettings, "enabled"> &
  Partial<Pick<OptimizerSettings, "profile">>;

/** Long enough for a burst of writes, short enough not to be felt. */
const windowMs = 2000;
const streamBytesMin = 16 * MIB;

/**
 * The optimiser's settings as the configuration has them, such as `effectiveConfig({ root })`.
 *
 * @param given its values; by default those without any file, which is the defaults, and nothing
 *   optimised where the environment says `WRITE_OPTIMIZATION_LEGACY=true`.
 * @param agent whose profile holds; without one nothing is held back.
 * @throws {DraftError} `DRAFT_CONFIG` for a name that is no agent's.
 */
export function optimizerSettingsOf(given?: ConfigValues, agent?: AgentName): OptimizerSettings {
  const values = given ?? defaultConfigValues();
  const isOff = given === undefined && isLegacy(process.env);
  return {
    enabled: values["write_optimization.enabled"] && !isOff,
    operationsForBatchMin: values["write_optimization.thresholds.min_operations_for_batch"],
    contentBytesMin: values["write_optimization.thresholds.min_content_size_for_optimization"],
    batchFilesMax: values["write_optimization.thresholds.max_batch_size"],
    windowMs,
    streamBytesMin,
    profile: agentProfileOf(values, agent),
  };
}

/**
 * The settings that a call goes by: what it was given, else what the overlay has, else the
 * defaults; but where it was not given `enabled`, the environment may switch all off.
 */
export function settingsFor(
  overlay: EngineOverlay,
  given?: Partial<OptimizerSettings>,
): OptimizerSettings {
  const own = ownSettingsOf(overlay);
  if (given === undefined) return own;
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...own, ...Object.fromEntries(set) };
}

function ownSettingsOf({ optimizer: own }: EngineOverlay): OptimizerSettings {
  if (own === undefined) return optimizerSettingsOf();
  return isLegacy(process.env) ? { ...own, enabled: false } : own;
}

/** Whether an explicit call may optimise: as it was told, else as {@link settingsFor} says. */
export function isOptimizing(
  overlay: EngineOverlay,
  given?: Pick<OptimizerSettings, "enabled">,
): boolean {
  return given?.enabled ?? (overlay.optimizer?.enabled !== false && !isLegacy(process.env));
}

/** The profile that an explicit call goes by: the one that it was told, else the overlay's. */
export function profileFor(
  overlay: EngineOverlay,
  given?: Partial<Pick<OptimizerSettings, "profile">>,
): AgentProfile {
  return given?.profile ?? overlay.optimizer?.profile ?? openProfile;
}
