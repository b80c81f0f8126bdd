import type { AgentProfile } from "../../config/agent-profile.ts";
import { isDraftError } from "../../errors.ts";
import { absolutePathOf, shownPathOf } from "../overlay-path.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { type EditFailure, editError } from "./edit-failure.ts";
import type { EditList, MultiEditResult } from "./multi-edit.ts";

/** A file whose edits could not all be applied. */
export interface FailedFileEdits {
  /** Absolute path as it was named. */
  readonly path: string;
  /** Why; it names the edit. */
  readonly error: Error;
  /** Edits of it that come before the one that failed, and stay applied. */
  readonly applied: number;
}

/**
 * Edits files one after the other, for agents that do not ask for all of the edits or none.
 *
 * With `rollback` a file that fails stays as it was, else the edits before the failing one stay.
 * With `atomicity` the first failure ends it, else the other files are edited all the same.
 *
 * @param edit edits one file, all or none; `isRepeated` where the file was looked at before.
 * @throws {DraftError} `DRAFT_EDIT_FAILED` that says how much stays, where a failure ends it or
 *   nothing at all could be applied.
 */
export function editApart(
  overlay: EngineOverlay,
  lists: readonly EditList[],
  { atomicity, rollback }: Pick<AgentProfile, "atomicity" | "rollback">,
  edit: (list: EditList, isRepeated: boolean) => MultiEditResult,
): MultiEditResult {
  const done: MultiEditResult[] = [];
  const failed: FailedFileEdits[] = [];
  for (const list of lists) {
    try {
      done.push(edit(list, false));
    } catch (error) {
      const index = rollback ? 0 : failingIndexOf(error);
      const [path, edits] = list;
      if (index > 0) done.push(edit([path, edits.slice(0, index)], true));
      const stays = atomicity ? sum(done, "edits") : index;
      const told = tellingWhatStays(overlay, list, error, stays);
      if (atomicity) throw told;
      failed.push({ path: absolutePathOf(overlay, path), error: told, applied: index });
    }
  }
  const [first] = failed;
  if (done.length === 0 && first !== undefined) throw first.error;
  return {
    files: done.flatMap(({ files }) => files),
    failed,
    edits: sum(done, "edits"),
    reads: sum(done, "reads"),
    writes: sum(done, "writes"),
    bytesWritten: sum(done, "bytesWritten"),
    fallback: done.find(({ fallback }) => fallback !== undefined)?.fallback,
  };
}

function failingIndexOf(error: unknown): number {
  const index = isDraftError(error) ? error.details["index"] : undefined;
  return typeof index === "number" ? index : 0;
}

/** The error of an edit list that does not say that nothing was applied where something was. */
function tellingWhatStays(
  overlay: EngineOverlay,
  [path, edits]: EditList,
  error: unknown,
  applied: number,
): Error {
  const thrown = error instanceof Error ? error : new Error(String(error));
  if (!isDraftError(thrown) || thrown.details["index"] === undefined || applied === 0)
    return thrown;
  const { index, ...failure } = thrown.details;
  const others = `${applied} edit${applied === 1 ? " stays" : "s stay"} applied`;
  const shown = shownPathOf(overlay, path);
  return editError(shown, Number(index), edits.length, failure as unknown as EditFailure, others);
}

function sum(
  results: readonly MultiEditResult[],
  figure: "edits" | "reads" | "writes" | "bytesWritten",
): number {
  return results.reduce((total, result) => total + result[figure], 0);
}
