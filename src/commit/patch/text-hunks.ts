import { type Hunk, hunksBetween, linesOf, noNewline } from "./hunks.ts";

/** The hunks of a unified diff, and what they add and remove. */
export interface TextHunks {
  /** From the first `@@` on; empty where both texts are the same. */
  readonly text: Buffer;
  readonly insertions: number;
  readonly deletions: number;
  readonly deletedBytes: number;
}

/**
 * Compares two texts by lines. Bytes are never altered: each is one character on the way, and only
 * a line feed ends a line.
 */
export function textHunksOf(before: Buffer, after: Buffer): TextHunks {
  const [old, text] = [before.toString("latin1"), after.toString("latin1")];
  if (old === "" && text !== "") return wholeText("+", text);
  if (text === "" && old !== "") return wholeText("-", old);
  const hunks = hunksBetween(linesOf(old), linesOf(text));
  const lines = hunks.flatMap((hunk) => [headerOf(hunk), ...hunk.lines]);
  const removed = lines.filter((line) => line.startsWith("-"));
  return {
    text: Buffer.from(lines.length === 0 ? "" : `${lines.join("\n")}\n`, "latin1"),
    insertions: lines.filter((line) => line.startsWith("+")).length,
    deletions: removed.length,
    deletedBytes: removed.reduce((sum, line) => sum + line.length, 0),
  };
}

/**
 * The one hunk of a text that has come or gone, without taking it apart: in a third to a half of
 * the time, and the patch of an install or a generator consists of little else.
 */
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

function headerOf({ oldStart, oldLines, newStart, newLines }: Hunk): string {
  const range = (start: number, count: number): string =>
    count === 1 ? `${start}` : `${start},${count}`;
  return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`;
}
