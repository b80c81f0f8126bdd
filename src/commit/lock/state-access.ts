import { insideSandbox, isInsideSandbox } from "../../disk/inside-sandbox.ts";
import type { StateDirectory } from "../../disk/state/state-directory.ts";
import { isDraftError } from "../../errors.ts";
import { failure } from "../failure.ts";

/** What somebody else's creating and removing brings about: whoever meets it tries again. */
const passing: ReadonlySet<unknown> = new Set(["EEXIST", "ENOENT"]);

/** How things stand where a state directory cannot be used. */
const states = {
  read: "It holds the drafts and checkpoints of this tree, and what a dead process left to finish.",
  "write to":
    "Drafts, checkpoints and the journal lie there and nowhere else, so this tree can be looked " +
    "at, but not changed by draftfs. Nothing was touched.",
} as const;

/** Such a directory is hidden from commands, or on a disk that is read-only for them. */
const outside =
  `${insideSandbox}: what it changes in its tree is pending already. ` +
  "Start draftfs outside of it.";

/**
 * Reads or writes in a state directory; where the system does not allow it, the error says so.
 *
 * @throws {DraftError} `DRAFT_STATE_UNUSABLE` for errors of the system; those that tell of another
 *   process at work (`EEXIST`, `ENOENT`) as they are.
 */
export function usingState<Result>(
  state: StateDirectory,
  attempted: keyof typeof states,
  attempt: () => Result,
): Result {
  try {
    return attempt();
  } catch (error) {
    const { code, syscall, path } = error as NodeJS.ErrnoException;
    if (isDraftError(error) || syscall === undefined || passing.has(code)) throw error;
    throw failure("DRAFT_STATE_UNUSABLE", `${attempted} ${state.path}`, error, {
      path: path ?? state.path,
      level: "operation_failure",
      state: states[attempted],
      help: isInsideSandbox() ? outside : undefined,
    });
  }
}
