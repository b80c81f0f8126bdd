import type { Lower } from "../../disk/lower/lower.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { patchContentBytesMax } from "../../limits.ts";
import type { ChangeSet } from "../change-set/change-set.ts";
import type { ContentIndex } from "../change-set/content-index.ts";
import { isBinary, type PatchEdit, patchEditsOf, readSide } from "./patch-edits.ts";
import { textHunksOf } from "./text-hunks.ts";

/** Lines that a change adds to and removes from one file. */
export interface LineCounts {
  readonly insertions: number;
  readonly deletions: number;
}

/**
 * Counts the lines that a change set adds and removes, by the path of each file, or the old path of
 * one that goes. What has no lines is left out: directories, links, binary and very large content,
 * and what this user may not read.
 *
 * @param lower the file system that holds the old tree.
 * @param contents learns what is read of the old tree.
 */
export function lineCountsOf(
  changeSet: ChangeSet,
  lower: Lower,
  contents?: ContentIndex,
): Map<TreePath, LineCounts> {
  const counts = new Map<TreePath, LineCounts>();
  for (const edit of patchEditsOf(changeSet, lower, contents)) {
    const path = edit.new?.path ?? edit.old?.path;
    const counted = countsOf(edit);
    if (path === undefined || counted === undefined) continue;
    const other = counts.get(path) ?? { insertions: 0, deletions: 0 };
    counts.set(path, {
      insertions: other.insertions + counted.insertions,
      deletions: other.deletions + counted.deletions,
    });
  }
  return counts;
}

/** Lines of one file; `undefined` for what has none: links, binary and very large content. */
export function countsOf(edit: PatchEdit): LineCounts | undefined {
  const { old: before, new: after } = edit;
  const sides = [before, after].filter((side) => side !== undefined);
  if (sides.some(({ mode }) => mode === "120000")) return undefined;
  if (edit.isSameContent === true) return { insertions: 0, deletions: 0 };
  if (sides.some(({ size }) => size > patchContentBytesMax)) return undefined;
  const [old, text] = [readSide(before), readSide(after)];
  if (old === undefined || text === undefined || isBinary(old) || isBinary(text)) return undefined;
  if (before === undefined) return { insertions: linesIn(text), deletions: 0 };
  if (after === undefined) return { insertions: 0, deletions: linesIn(old) };
  const { insertions, deletions } = textHunksOf(old, text);
  return { insertions, deletions };
}

/** Line feeds, and a last line without one. */
function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return bytes.length > 0 && bytes.at(-1) !== 10 ? lines + 1 : lines;
}
