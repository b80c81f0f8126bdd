import { DraftError } from "../../errors.ts";
import type { NearestMiss } from "./nearest-miss.ts";

/** Why an edit cannot be applied. */
export type EditReason =
  | "not_found"
  | "not_unique"
  | "no_change"
  | "out_of_range"
  | "empty_search"
  | "missing_file"
  | "not_encodable";

/** The facts of a failed edit; `details` of its `DRAFT_EDIT_FAILED`. */
export interface EditFailure {
  readonly reason: EditReason;
  /** What is wrong, as a sentence without the edit's number. */
  readonly message: string;
  /** Occurrences that were found. */
  readonly matches?: number;
  readonly nearest?: NearestMiss | undefined;
}

/**
 * The error for an edit list: names the edit that failed and says what became of the others.
 *
 * @param index of the failing edit, from 0; the message counts from 1.
 * @param others what became of them; by default none was applied.
 */
export function editError(
  path: string,
  index: number,
  count: number,
  failure: EditFailure,
  others = "no changes were applied",
): DraftError {
  const which = count === 1 ? "The edit" : `Edit ${index + 1} of ${count}`;
  const near = failure.nearest;
  const hint = near?.hint === undefined ? "" : ` (${near.hint})`;
  const nearest =
    near === undefined ? "" : ` Nearest: line ${near.line}${hint}: ${quote(near.text)}`;
  return new DraftError(
    "DRAFT_EDIT_FAILED",
    `${which} of ${path} failed, ${others}: ${failure.message}${nearest}`,
    { path, details: { index, ...failure } },
  );
}

function quote(text: string): string {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return JSON.stringify(shown);
}
