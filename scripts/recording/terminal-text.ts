/** A piece of a line in one style. */
export interface Span {
  readonly text: string;
  /** Names of the styles of `util.styleText` that are in force. */
  readonly styles: readonly string[];
}

export type Line = readonly Span[];

const styleOf: Readonly<Record<string, string>> = {
  "1": "bold",
  "2": "dim",
  "31": "red",
  "32": "green",
  "33": "yellow",
  "36": "cyan",
};

const escapeCharacter = "\u001b";

/**
 * What a terminal shows after `output` was written to it: lines of styled text. Knows colours,
 * carriage returns and the clearing of a line, which is all that the command line uses.
 */
export function linesOf(output: string): Line[] {
  return output.replaceAll("\r\n", "\n").split("\n").map(lineOf);
}

function lineOf(raw: string): Line {
  // A progress line is overwritten by what follows the last carriage return.
  const text = raw.slice(raw.lastIndexOf("\r") + 1);
  const spans: Span[] = [];
  let styles: readonly string[] = [];
  let isFirst = true;
  let column = 0;
  for (const piece of text.split(escapeCharacter)) {
    // All but the first piece begin with the rest of a control sequence.
    const [sequence = "", codes] = isFirst ? [] : (/^\[([0-9;]*)[A-Za-z]/.exec(piece) ?? []);
    if (sequence.endsWith("m")) styles = (codes ?? "").split(";").reduce(applied, styles);
    const rest = tabsExpanded(piece.slice(sequence.length), column);
    column += rest.length;
    if (rest !== "") spans.push({ text: rest, styles });
    isFirst = false;
  }
  return spans;
}

/** Tabs as blanks up to the next multiple of eight columns. */
function tabsExpanded(text: string, column: number): string {
  let expanded = "";
  for (const character of text) {
    const blanks = 8 - ((column + expanded.length) % 8);
    expanded += character === "\t" ? " ".repeat(blanks) : character;
  }
  return expanded;
}

function applied(styles: readonly string[], code: string): readonly string[] {
  const style = styleOf[code];
  if (style !== undefined) return [...styles, style];
  if (code === "22") return styles.filter((name) => name !== "bold" && name !== "dim");
  if (code === "39") return styles.filter((name) => name === "bold" || name === "dim");
  return [];
}
