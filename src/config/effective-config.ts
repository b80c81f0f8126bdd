import { join, resolve } from "node:path";
import { checkOptions } from "../check-options.ts";
import type { Disk } from "../disk/disk.ts";
import { NodeDisk } from "../disk/node/node-disk.ts";
import { stateDirectoryName } from "../disk/state/state-directory.ts";
import { DraftError, reasonOf } from "../errors.ts";
import {
  type ConfigFileName,
  type ConfigKey,
  type ConfigKeyName,
  type ConfigValues,
  configFiles,
  configKeys,
} from "./config-keys.ts";
import { configDirectoryVariable, isLegacy, legacyVariable, standardOf } from "./default-values.ts";
import { type ConfigProblem, type ConfigSetting, parseConfig } from "./parse-config.ts";
import { forbiddingVariable } from "./surroundings.ts";

/** Where a value comes from. */
export type ConfigOrigin =
  | { readonly kind: "default" }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly line: number;
      readonly column: number;
    }
  | { readonly kind: "environment"; readonly variable: string };

/** One key as `draftfs config` shows it. */
export interface ConfigLine {
  readonly key: ConfigKeyName;
  /** In the units that it was written in. */
  readonly shown: string;
  readonly origin: ConfigOrigin;
  /** The part of draftfs that acts on it. */
  readonly reader: string;
  readonly meaning: string;
}

/** The configuration in force. */
export interface EffectiveConfig {
  /** Sizes in bytes, times in milliseconds. */
  readonly values: ConfigValues;
  /** Every key in the order of the documentation. */
  readonly lines: readonly ConfigLine[];
  /** Files that were read, the weakest first. */
  readonly files: readonly string[];
}

/**
 * Finds, checks and merges the configuration of a root. From weak to strong: defaults, the files
 * at the root, those in `.draftfs/`, those in the directory that `DRAFTFS_CONFIG_DIR` names,
 * `WRITE_OPTIMIZATION_LEGACY`. A stronger one replaces single keys, not whole files. In
 * surroundings that a key of `integrations` forbids nothing is optimised, whatever else is set.
 *
 * @throws {DraftError} `DRAFT_CONFIG` listing everything that is wrong, with line and column.
 */
export function effectiveConfig(options: {
  readonly root: string;
  readonly disk?: Disk;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}): EffectiveConfig {
  checkOptions("effectiveConfig", options, { root: true, disk: true, environment: true });
  const { root, disk = new NodeDisk(), environment = process.env } = options;
  const settings = new Map<ConfigKeyName, ConfigSetting & { readonly origin: ConfigOrigin }>();
  const problems: ConfigProblem[] = [];
  const files: string[] = [];
  for (const directory of directoriesOf(disk, root, environment)) {
    for (const fileName of Object.keys(configFiles) as ConfigFileName[]) {
      const path = join(directory, fileName);
      if (disk.lstat(path) === undefined) continue;
      const parsed = parseConfig(fileName, path, textOf(disk, path));
      files.push(path);
      problems.push(...parsed.problems);
      for (const setting of parsed.settings) {
        const { line, column } = setting;
        settings.set(setting.key, { ...setting, origin: { kind: "file", path, line, column } });
      }
    }
  }
  if (problems.length > 0) throw problemsError(problems);
  const key = "write_optimization.enabled";
  const variable = isLegacy(environment)
    ? legacyVariable
    : forbiddingVariable(environment, (name) => settings.get(name)?.value !== false);
  if (variable !== undefined) {
    const origin = { kind: "environment", variable } as const;
    settings.set(key, { key, value: false, shown: "false", line: 0, column: 0, origin });
  }
  const names = Object.keys(configKeys) as ConfigKeyName[];
  const lines = names.map((name): ConfigLine => {
    const { reader, meaning, standard }: ConfigKey<unknown> = configKeys[name];
    const setting = settings.get(name);
    const shown = setting?.shown ?? String(standard);
    const origin = setting?.origin ?? ({ kind: "default" } as const);
    return { key: name, shown, origin, reader, meaning };
  });
  const values = Object.fromEntries(
    names.map((name) => [name, settings.get(name)?.value ?? standardOf(name)]),
  ) as unknown as ConfigValues;
  return { values, lines, files };
}

/** An origin as people read it. */
export function originText(origin: ConfigOrigin): string {
  switch (origin.kind) {
    case "default":
      return "default";
    case "file":
      return `${origin.path}:${origin.line}`;
    case "environment":
      return `$${origin.variable}`;
  }
}

/** The one value that means nothing as yet. */
const idleValue = { key: "metrics.storage.backend", shown: "database" };

/** The lines that are set to something that nothing acts on. */
export function idleLinesOf(lines: readonly ConfigLine[]): ConfigLine[] {
  return lines.filter(({ key, shown }) => key === idleValue.key && shown === idleValue.shown);
}

function textOf(disk: Disk, path: string): string {
  try {
    return disk.readFile(path).toString("utf8");
  } catch (error) {
    const reason = reasonOf(error);
    throw new DraftError("DRAFT_CONFIG", `Cannot read the configuration ${path}: ${reason}.`, {
      path,
      cause: error,
    });
  }
}

function directoriesOf(
  disk: Disk,
  root: string,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const directories = [root, join(root, stateDirectoryName)];
  const named = environment[configDirectoryVariable];
  if (named === undefined || named === "") return directories;
  const directory = resolve(named);
  if (disk.lstat(directory) === undefined) {
    throw new DraftError(
      "DRAFT_CONFIG",
      `Cannot read the configuration: $${configDirectoryVariable} names ${directory}, which is ` +
        "not there. Correct or unset it.",
      { path: directory },
    );
  }
  return [...directories, directory];
}

function problemsError(problems: readonly ConfigProblem[]): DraftError {
  const shown = problems.map(({ path, line, column, message }) => {
    return `${path}:${line}:${column}: ${message}`;
  });
  return new DraftError("DRAFT_CONFIG", `The configuration is wrong.\n${shown.join("\n")}`, {
    ...(problems[0] === undefined ? {} : { path: problems[0].path }),
    details: { problems },
  });
}
