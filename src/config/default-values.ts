import {
  type ConfigKey,
  type ConfigKeyName,
  type ConfigValues,
  configKeys,
} from "./config-keys.ts";

/** Names a directory whose files come before those of the root. */
export const configDirectoryVariable = "DRAFTFS_CONFIG_DIR";

/** Set to `true`, it switches every optimisation off. */
export const legacyVariable = "WRITE_OPTIMIZATION_LEGACY";

/** Whether an environment asks for no optimisation at all. */
export function isLegacy(environment: Readonly<Record<string, string | undefined>>): boolean {
  return environment[legacyVariable]?.toLowerCase() === "true";
}

/** Made once: every call of an engine that is given no settings asks for them. */
let defaults: ConfigValues | undefined;

/** The defaults alone. */
export function defaultConfigValues(): ConfigValues {
  defaults ??= Object.fromEntries(
    (Object.keys(configKeys) as ConfigKeyName[]).map((name) => [name, standardOf(name)]),
  ) as unknown as ConfigValues;
  return defaults;
}

/** The default of one key. */
export function standardOf(name: ConfigKeyName): unknown {
  const { kind, standard }: ConfigKey<unknown> = configKeys[name];
  return kind.parse(standard);
}
