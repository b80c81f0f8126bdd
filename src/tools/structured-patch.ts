import { structuredPatch } from "diff";

/** One hunk of a unified diff. */
export interface Hunk {
  /** First line, from 1; 0 for an empty side. */
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /** Each starts with a space, `-`, `+` or `\`. */
  readonly lines: readonly string[];
}

const contextLines = 3;
/** Past this many edits the exact diff is given up for one hunk: it would take seconds. */
const editsMax = 2000;

/**
 * The hunks that lead from one text to another, with three lines of context.
 *
 * Equal lines at both ends are cut off before the diff, so that a small change of a large file
 * costs what the change is worth.
 */
export function structuredPatchOf(before: string, after: string): Hunk[] {
  if (before === after) return [];
  const old = linesOf(before);
  const now = linesOf(after);
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const skipped = Math.max(0, head - contextLines);
  const kept = Math.max(0, tail - contextLines);
  const oldMiddle = old.slice(skipped, old.length - kept);
  const newMiddle = now.slice(skipped, now.length - kept);
  const patch = structuredPatch("", "", oldMiddle.join(""), newMiddle.join(""), "", "", {
    context: contextLines,
    maxEditLength: editsMax,
  });
  const hunks = patch?.hunks ?? [wholeHunk(oldMiddle, newMiddle)];
  return hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) => ({
    // As in git's hunks, an empty side starts at the line before it.
    oldStart: oldStart + skipped - (oldLines === 0 ? 1 : 0),
    oldLines,
    newStart: newStart + skipped - (newLines === 0 ? 1 : 0),
    newLines,
    lines,
  }));
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

function wholeHunk(old: readonly string[], now: readonly string[]): Hunk {
  const marked = (mark: string, lines: readonly string[]) =>
    lines.flatMap((line) =>
      line.endsWith("\n")
        ? [`${mark}${line.slice(0, -1)}`]
        : [`${mark}${line}`, "\\ No newline at end of file"],
    );
  return {
    oldStart: 1,
    oldLines: old.length,
    newStart: 1,
    newLines: now.length,
    lines: [...marked("-", old), ...marked("+", now)],
  };
}
