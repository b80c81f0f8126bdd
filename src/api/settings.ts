import { join } from "node:path";
import type { CheckLevel, CheckPart } from "../commit/checks/check-finding.ts";
import type { AgentName } from "../config/agent-profile.ts";
import { type ConfigKeyName, type ConfigValues, configFiles } from "../config/config-keys.ts";
import {
  configDirectoryVariable,
  defaultConfigValues,
  isLegacy,
} from "../config/default-values.ts";
import type { EffectiveConfig } from "../config/effective-config.ts";
import { loadYamlParser } from "../config/yaml-parser.ts";
import type { Disk } from "../disk/disk.ts";
import type { StateDirectory } from "../disk/state/state-directory.ts";
import { type OptimizerSettings, optimizerSettingsOf } from "../engines/optimizer-settings.ts";
import { type DraftError, isDraftError } from "../errors.ts";

/** What an overlay takes from the configuration of its root; see `docs/configuration.md`. */
export interface OverlaySettings {
  readonly memoryLimitBytes: number;
  readonly lockWaitMs: number;
  readonly checks: CheckLevel;
  /** Parts of that level which are switched off. */
  readonly skippedChecks: readonly CheckPart[];
  /** Operations whose content is kept for undo. */
  readonly retention: number;
  /** Whether the collection of garbage compresses what it keeps. */
  readonly compression: boolean;
  /** How often a recovery is tried. */
  readonly recoveryAttempts: number;
  readonly rollback: RollbackSettings;
  /** Every key. */
  readonly values: ConfigValues;
  /**
   * Directory that `metrics.storage.file_path` is relative to for the command line: the root where
   * a file sets it; else the state directory, so that nothing comes into the tree unasked.
   */
  readonly metricsDirectory: string;
  /** What engines and tools go by. */
  readonly optimizer: OptimizerSettings;
  /** Why these are the defaults although there are files; see `ignoreBadConfig`. */
  readonly problem?: DraftError;
}

/** What holds for undo, redo, restore, and for a transaction that fails. */
export interface RollbackSettings {
  /** Whether undo, redo and restore are allowed. */
  readonly enabled: boolean;
  /** How long one of them may take; no bound where no file sets one. */
  readonly timeoutMs: number | undefined;
  /** Whether a transaction that fails is taken back. */
  readonly onError: boolean;
}

/**
 * Reads the configuration of a root. Where there is none, which is the common case, the parser is
 * not even loaded. Files that are wrong give the defaults and a `problem`.
 */
export async function readSettings(
  disk: Disk,
  state: StateDirectory,
  agent?: AgentName,
): Promise<OverlaySettings> {
  const defaults = () => settingsOf(state, defaultsHere(), () => false, agent);
  if (!hasConfig(disk, state)) return defaults();
  const [{ effectiveConfig }] = await Promise.all([
    import("../config/effective-config.ts"),
    loadYamlParser(),
  ]);
  try {
    const { values, lines } = effectiveConfig({ root: state.root, disk });
    return settingsOf(state, values, isSetIn(lines), agent);
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_CONFIG") {
      return { ...defaults(), problem: error };
    }
    throw error;
  }
}

/** The environment holds where no file does, too. */
function defaultsHere(): ConfigValues {
  const values = defaultConfigValues();
  return isLegacy(process.env) ? { ...values, "write_optimization.enabled": false } : values;
}

function hasConfig(disk: Disk, state: StateDirectory): boolean {
  if ((process.env[configDirectoryVariable] ?? "") !== "") return true;
  return [state.root, state.path].some((directory) =>
    Object.keys(configFiles).some((name) => disk.lstat(join(directory, name)) !== undefined),
  );
}

type IsSet = (key: ConfigKeyName) => boolean;

function isSetIn(lines: EffectiveConfig["lines"]): IsSet {
  const set = new Set(lines.filter(({ origin }) => origin.kind !== "default").map(keyOf));
  return (key) => set.has(key);
}

function keyOf({ key }: EffectiveConfig["lines"][number]): ConfigKeyName {
  return key;
}

function settingsOf(
  state: StateDirectory,
  values: ConfigValues,
  isSet: IsSet,
  agent?: AgentName,
): OverlaySettings {
  const keepsBackups =
    values["safety.backups.enabled"] && values["write_optimization.safety.backup_enabled"];
  return {
    memoryLimitBytes: values["write_optimization.performance.memory_limit"],
    lockWaitMs: values["write_optimization.performance.io_timeout"],
    checks: checksOf(values, isSet),
    skippedChecks: skippedChecksOf(values),
    // One operation can always be undone: the commit itself needs what it has replaced.
    retention: keepsBackups ? values["safety.backups.retention"] : 1,
    compression: values["safety.backups.compression"],
    recoveryAttempts: values["safety.emergency.recovery_attempts"],
    rollback: {
      enabled: values["safety.rollback.enabled"],
      timeoutMs: rollbackTimeoutOf(values, isSet),
      onError: values["safety.rollback.auto_rollback_on_error"],
    },
    values,
    metricsDirectory: isSet("metrics.storage.file_path") ? state.root : state.path,
    optimizer: optimizerSettingsOf(values, agent),
  };
}

const levelKeys = [
  "write_optimization.safety.validation_level",
  "safety.integrity_checks.level",
] as const;
/** Setting one of these to `true` asks for the checks that its default level has. */
const switchKeys = [
  "safety.integrity_checks.enabled",
  "safety.validation.post_write",
  "safety.validation.content_validation",
] as const;

/** Nobody has asked for the look at content of `strict` where no key about checks is set. */
function checksOf(values: ConfigValues, isSet: IsSet): CheckLevel {
  if (!values["safety.integrity_checks.enabled"]) return "minimal";
  const levels = levelKeys.filter(isSet).map((key) => values[key]);
  const strictest = (["strict", "normal", "minimal"] as const).find((one) => levels.includes(one));
  if (strictest !== undefined) return strictest;
  return switchKeys.some((key) => isSet(key) && values[key]) ? "strict" : "normal";
}

function skippedChecksOf(values: ConfigValues): CheckPart[] {
  const parts = ["pre_write", "content_validation", "post_write"] as const;
  return parts.filter((part) => !values[`safety.validation.${part}`]);
}

const timeoutKeys = [
  "safety.rollback.timeout",
  "write_optimization.safety.rollback_timeout",
] as const;

/** Unasked, no bound: what a large undo takes is no reason to refuse it. */
function rollbackTimeoutOf(values: ConfigValues, isSet: IsSet): number | undefined {
  const set = timeoutKeys.filter(isSet).map((key) => values[key]);
  return set.length === 0 ? undefined : Math.min(...set);
}
