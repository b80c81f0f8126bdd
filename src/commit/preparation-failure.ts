import { isDraftError } from "../errors.ts";
import { UnreadableFile } from "./conflict/unreadable-file.ts";
import { failure } from "./failure.ts";
import type { Purpose } from "./purpose.ts";

/** What went wrong before anything was decided, as an error that says so. */
export function preparationFailure(
  error: unknown,
  { verb, kept }: Purpose,
  root: string,
  path = root,
): unknown {
  if (isDraftError(error)) return error;
  return failure("DRAFT_COMMIT_FAILED", `${verb} ${JSON.stringify(path)}`, error, {
    path,
    level: "operation_failure",
    state: `Nothing was changed${kept}.`,
    help: error instanceof UnreadableFile ? error.help : undefined,
  });
}
