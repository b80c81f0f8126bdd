import { join } from "node:path";
import type { CheckLevel } from "../commit/check-finding.ts";
import { type ConfigValues, configFiles } from "../config/config-keys.ts";
import { configDirectoryVariable, defaultConfigValues } from "../config/default-values.ts";
import type { Disk } from "../disk/disk.ts";
import type { StateDirectory } from "../disk/state-directory.ts";

/** What an overlay takes from the configuration of its root; see `docs/configuration.md`. */
export interface OverlaySettings {
  readonly memoryLimitBytes: number;
  readonly lockWaitMs: number;
  readonly checks: CheckLevel;
  /** Operations whose content is kept for undo. */
  readonly retention: number;
}

/**
 * Reads the configuration of a root. Where there is none, which is the common case, the parser is
 * not even loaded.
 *
 * @throws {DraftError} `DRAFT_CONFIG` listing everything that is wrong, with line and column.
 */
export async function readSettings(disk: Disk, state: StateDirectory): Promise<OverlaySettings> {
  // Nobody has asked for the look at content that `strict` takes: commands write what they write.
  if (!hasConfig(disk, state)) return { ...settingsOf(defaultConfigValues()), checks: "normal" };
  const { effectiveConfig } = await import("../config/effective-config.ts");
  return settingsOf(effectiveConfig({ root: state.root, disk }).values);
}

function hasConfig(disk: Disk, state: StateDirectory): boolean {
  if ((process.env[configDirectoryVariable] ?? "") !== "") return true;
  return [state.root, state.path].some((directory) =>
    Object.keys(configFiles).some((name) => disk.lstat(join(directory, name)) !== undefined),
  );
}

function settingsOf(values: ConfigValues): OverlaySettings {
  return {
    memoryLimitBytes: values["write_optimization.performance.memory_limit"],
    lockWaitMs: values["write_optimization.performance.io_timeout"],
    checks: values["safety.integrity_checks.enabled"]
      ? values["write_optimization.safety.validation_level"]
      : "minimal",
    retention: values["safety.backups.retention"],
  };
}
