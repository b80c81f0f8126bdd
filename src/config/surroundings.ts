import type { ConfigKeyName } from "./config-keys.ts";

/**
 * What draftfs may be run by, the variable that tells, and the key that says whether anything is
 * optimised there. `PRE_COMMIT` is set by the framework of that name, `GIT_EXEC_PATH` by git for
 * whatever it starts (hooks and aliases), `CI` by the usual services.
 */
const surroundings = [
  { key: "write_optimization.integrations.pre_commit", variable: "PRE_COMMIT" },
  { key: "write_optimization.integrations.git_hooks", variable: "GIT_EXEC_PATH" },
  { key: "write_optimization.integrations.ci_cd", variable: "CI" },
] as const satisfies readonly { readonly key: ConfigKeyName; readonly variable: string }[];

type IntegrationKey = (typeof surroundings)[number]["key"];

/** The variable that tells of surroundings where nothing shall be optimised, if we are in any. */
export function forbiddingVariable(
  environment: Readonly<Record<string, string | undefined>>,
  isAllowed: (key: IntegrationKey) => boolean,
): string | undefined {
  const found = surroundings.find(
    ({ key, variable }) => isSet(environment[variable]) && !isAllowed(key),
  );
  return found?.variable;
}

/** A variable that says no is as good as none: `CI=false`. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && !["", "0", "false"].includes(value.toLowerCase());
}
