import { structuredPatch } from "diff";

/** The hunks of a unified diff, and what they add and remove. */
export interface TextHunks {
  /** From the first `@@` on; empty where both texts are the same. */
  readonly text: Buffer;
  readonly insertions: number;
  readonly deletions: number;
  readonly deletedBytes: number;
}

/** Lines of context around a change, as git has them. */
const contextLines = 3;

/**
 * Edits after which looking for the shortest difference is given up (Myers' algorithm takes time in
 * proportion to their number times the size) and everything between the first and the last
 * difference is replaced.
 */
const editLengthMax = 1000;

/**
 * Compares two texts by lines. Bytes are never altered: each is one character on the way, and only
 * a line feed ends a line.
 */
export function textHunksOf(before: Buffer, after: Buffer): TextHunks {
  const old = before.toString("latin1");
  const text = after.toString("latin1");
  if (old === "" && text !== "") return wholeText("+", text);
  if (text === "" && old !== "") return wholeText("-", old);
  const options = { context: contextLines, maxEditLength: editLengthMax };
  const patch = old === text ? { hunks: [] } : structuredPatch("", "", old, text, "", "", options);
  const hunks = patch === undefined ? [replacingHunk(old, text)] : patch.hunks;
  const lines = hunks.flatMap((hunk) => [headerOf(hunk), ...hunk.lines]);
  const removed = lines.filter((line) => line.startsWith("-"));
  return {
    text: Buffer.from(lines.length === 0 ? "" : `${lines.join("\n")}\n`, "latin1"),
    insertions: lines.filter((line) => line.startsWith("+")).length,
    deletions: removed.length,
    deletedBytes: removed.reduce((sum, line) => sum + line.length, 0),
  };
}

/** The one hunk of a text that has come or gone, without a search for what is the same. */
function wholeText(mark: "+" | "-", text: string): TextHunks {
  const isEnded = text.endsWith("\n");
  const body = (isEnded ? text.slice(0, -1) : text).replaceAll("\n", `\n${mark}`);
  const end = isEnded ? "" : `${noNewline}\n`;
  // Each further line has brought one mark along.
  const count = body.length - text.length + (isEnded ? 2 : 1);
  const range = count === 1 ? "1" : `1,${count}`;
  const header = mark === "+" ? `@@ -0,0 +${range} @@` : `@@ -${range} +0,0 @@`;
  const isAdded = mark === "+";
  return {
    text: Buffer.from(`${header}\n${mark}${body}\n${end}`, "latin1"),
    insertions: isAdded ? count : 0,
    deletions: isAdded ? 0 : count,
    deletedBytes: isAdded ? 0 : body.length + 1 - (count - 1),
  };
}

const noNewline = "\\ No newline at end of file";

interface Hunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly string[];
}

/** An empty side begins at the line before, as git writes it. */
function headerOf({ oldStart, oldLines, newStart, newLines }: Hunk): string {
  const range = (start: number, count: number): string =>
    count === 1 ? `${start}` : `${count === 0 ? start - 1 : start},${count}`;
  return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`;
}

/** One hunk for everything between the lines that both texts begin with and those they end with. */
function replacingHunk(before: string, after: string): Hunk {
  const old = linesOf(before);
  const lines = linesOf(after);
  const shared = Math.min(old.length, lines.length);
  let head = 0;
  while (head < shared && old[head] === lines[head]) head += 1;
  let tail = 0;
  while (tail < shared - head && old.at(-1 - tail) === lines.at(-1 - tail)) tail += 1;
  const start = Math.max(0, head - contextLines);
  const rest = Math.max(0, tail - contextLines);
  const oldEnd = old.length - rest;
  const newEnd = lines.length - rest;
  const marked = (mark: string, part: readonly string[]): string[] =>
    part.flatMap((line) =>
      line.endsWith("\n") ? [`${mark}${line.slice(0, -1)}`] : [`${mark}${line}`, noNewline],
    );
  return {
    oldStart: start + 1,
    oldLines: oldEnd - start,
    newStart: start + 1,
    newLines: newEnd - start,
    lines: [
      ...marked(" ", old.slice(start, head)),
      ...marked("-", old.slice(head, old.length - tail)),
      ...marked("+", lines.slice(head, lines.length - tail)),
      ...marked(" ", old.slice(old.length - tail, oldEnd)),
    ],
  };
}

/** Lines with their line feeds; the last one may have none. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
