import { DraftError, reasonOf } from "../errors.ts";
import { withoutPosixClasses } from "./posix-classes.ts";

/** How to search a text. */
export interface LineSearch {
  readonly pattern: string;
  readonly ignoreCase: boolean;
  /** Whether the pattern may span lines, and `.` a line ending. */
  readonly multiline: boolean;
}

/** Finds the numbers, from 0, of the lines of a text that a pattern touches. */
export type LineFinder = (text: string, lines: readonly string[]) => number[];

/**
 * Compiles a search. The syntax is JavaScript's, with a leading `(?i)`, `(?s)` or `(?m)` and with
 * `[[:alpha:]]` as ripgrep has them.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` for a pattern that is no regular expression.
 */
export function compileSearch({ pattern, ignoreCase, multiline }: LineSearch): LineFinder {
  const leading = /^\(\?([ims]+)\)/.exec(pattern);
  const source = leading === null ? pattern : pattern.slice(leading[0].length);
  const inline = leading?.[1] ?? "";
  const sensitivity = ignoreCase || inline.includes("i") ? "i" : "";
  if (!multiline) return lineByLine(expressionOf(source, `${sensitivity}`));
  const expression = expressionOf(source, `gms${sensitivity}`);
  return (text, lines) => spanningLines(expression, text, lines);
}

function lineByLine(expression: RegExp): LineFinder {
  // A line that fits makes the text fit; only what looks around could see past the line.
  const skims = !/\(\?/.test(expression.source);
  const skimmer = skims ? new RegExp(expression.source, `${expression.flags}m`) : undefined;
  return (text, lines) => {
    if (skimmer !== undefined && !skimmer.test(text)) return [];
    const found: number[] = [];
    for (const [index, line] of lines.entries()) if (expression.test(line)) found.push(index);
    return found;
  };
}

function spanningLines(expression: RegExp, text: string, lines: readonly string[]): number[] {
  const found = new Set<number>();
  let line = 0;
  let start = 0;
  const lengthOf = (index: number) => (lines[index]?.length ?? 0) + 1;
  for (const match of text.matchAll(expression)) {
    while (line < lines.length - 1 && start + lengthOf(line) <= match.index) {
      start += lengthOf(line);
      line += 1;
    }
    const last = match.index + Math.max(0, match[0].length - 1);
    for (let at = line, from = start; at < lines.length && from <= last; at++) {
      found.add(at);
      from += lengthOf(at);
    }
    if (match[0].length === 0) found.add(line);
  }
  return [...found].sort((a, b) => a - b);
}

function expressionOf(source: string, flags: string): RegExp {
  try {
    return compile(withoutPosixClasses(source), flags);
  } catch (error) {
    throw new DraftError(
      "DRAFT_TOOL_INPUT",
      `Cannot search: ${reasonOf(error)}. ` +
        "Escape characters such as { or ( with a backslash to take them literally.",
      { cause: error, details: { pattern: source } },
    );
  }
}

/** Only `u` knows these; without it they are letters, and find something else without a word. */
const unicodeOnly = /\\[pP]\{|\\u\{/;

/** By whole characters, unless the pattern escapes more than `u` lets it, as for grep. */
function compile(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, `${flags}u`);
  } catch (error) {
    if (unicodeOnly.test(source)) throw error;
    return new RegExp(source, flags);
  }
}
