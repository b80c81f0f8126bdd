import { shownLineLettersMax } from "../limits.ts";

/** The lines of a text, whichever way they end; none for what comes after the last ending. */
export function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** The warning about text in an encoding that is not known. */
export function undecodable(path: string): string {
  return (
    `${path} is not UTF-8; what cannot be decoded is shown as \ufffd. Edit keeps those bytes, ` +
    "Write would lose them."
  );
}

/** The warning about lines that were too long to be shown whole. */
export function cutOff(path: string): string {
  return (
    `${path} has lines of over ${shownLineLettersMax} letters, which are cut off, with … at ` +
    "the end. Search them with Grep; what Write would write of them is not all."
  );
}

/** Lines as a reader gets them. */
export interface ShownLines {
  readonly lines: readonly string[];
  readonly isCut: boolean;
}

/** Cuts off what is too long of each line. */
export function shownLines(lines: readonly string[]): ShownLines {
  const isCut = lines.some((line) => line.length > shownLineLettersMax);
  if (!isCut) return { lines, isCut };
  const cut = lines.map((line) => {
    if (line.length <= shownLineLettersMax) return line;
    // Not between the halves of one letter.
    return `${line.slice(0, shownLineLettersMax).replace(/[\ud800-\udbff]$/, "")}…`;
  });
  return { lines: cut, isCut };
}
