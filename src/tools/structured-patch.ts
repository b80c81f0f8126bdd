import { type Hunk, hunksBetween, linesOf } from "../commit/patch/hunks.ts";

export type { Hunk };

/** The hunks that lead from one text to another, with three lines of context. */
export function structuredPatchOf(before: string, after: string): Hunk[] {
  return before === after ? [] : hunksBetween(linesOf(before), linesOf(after));
}
