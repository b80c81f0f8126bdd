import { type LineMatch, matchLines } from "./line-matches.ts";

/** One hunk of a unified diff. */
export interface Hunk {
  /** First line, from 1; the line before where the side is empty, as git has it. */
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  /** Without their line feeds; each starts with a space, `-`, `+` or `\`. */
  readonly lines: readonly string[];
}

/** What stands behind a line that no line feed ends. */
export const noNewline = "\\ No newline at end of file";

/** Lines of context around a change, as git has them. */
const contextLines = 3;

/** Lines with their line feeds; the last one may have none. */
export function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** The hunks that lead from one text to another, by lines as {@link linesOf} gives them. */
export function hunksBetween(old: readonly string[], text: readonly string[]): Hunk[] {
  const sides = { old, new: text };
  return groupsOf(gapsBetween(matchLines(old, text), sides)).map((gaps) => hunkOf(gaps, sides));
}

interface Sides {
  readonly old: readonly string[];
  readonly new: readonly string[];
}

/** What stands between two parts that are common: old lines that become new ones. */
interface Gap {
  readonly old: number;
  readonly oldEnd: number;
  readonly new: number;
  readonly newEnd: number;
}

function gapsBetween(matches: readonly LineMatch[], sides: Sides): Gap[] {
  const gaps: Gap[] = [];
  let [old, other] = [0, 0];
  const end = { old: sides.old.length, new: sides.new.length, count: 0 };
  for (const match of [...matches, end]) {
    if (match.old > old || match.new > other) {
      gaps.push({ old, oldEnd: match.old, new: other, newEnd: match.new });
    }
    old = match.old + match.count;
    other = match.new + match.count;
  }
  return gaps;
}

/** Gaps whose context would meet stand in one hunk. */
function groupsOf(gaps: readonly Gap[]): Gap[][] {
  const groups: Gap[][] = [];
  for (const gap of gaps) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (last !== undefined && gap.old - last.oldEnd <= 2 * contextLines) group?.push(gap);
    else groups.push([gap]);
  }
  return groups;
}

function hunkOf(gaps: readonly Gap[], sides: Sides): Hunk {
  const [first, last] = [gaps[0] as Gap, gaps.at(-1) as Gap];
  const before = Math.min(contextLines, first.old);
  const after = Math.min(contextLines, sides.old.length - last.oldEnd);
  const start = first.old - before;
  const lines: string[] = [];
  let at = start;
  for (const gap of gaps) {
    mark(lines, " ", sides.old, at, gap.old);
    mark(lines, "-", sides.old, gap.old, gap.oldEnd);
    mark(lines, "+", sides.new, gap.new, gap.newEnd);
    at = gap.oldEnd;
  }
  mark(lines, " ", sides.old, at, at + after);
  const oldLines = at + after - start;
  const newStart = first.new - before;
  const newLines = last.newEnd + after - newStart;
  return {
    oldStart: oldLines === 0 ? start : start + 1,
    oldLines,
    newStart: newLines === 0 ? newStart : newStart + 1,
    newLines,
    lines,
  };
}

function mark(
  lines: string[],
  sign: string,
  from: readonly string[],
  start: number,
  end: number,
): void {
  for (let at = start; at < end; at++) {
    const line = from[at] as string;
    if (line.endsWith("\n")) lines.push(`${sign}${line.slice(0, -1)}`);
    else lines.push(`${sign}${line}`, noNewline);
  }
}
