import type { CommandContext } from "../command-context.ts";
import type { RunRequest } from "../run-over-draft.ts";
import type { SettleOptions } from "../settle-run.ts";
import { execute as executeRun } from "./run.ts";

/** `draftfs try`: like `run`, and shows the diff before it asks. */
export function execute(
  context: CommandContext,
  options: SettleOptions & RunRequest,
): Promise<number> {
  return executeRun(context, { ...options, showDiff: true });
}
