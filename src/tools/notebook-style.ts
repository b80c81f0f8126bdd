/** How a notebook's JSON is laid out, so that what is added looks like what is there. */
export interface NotebookStyle {
  /** One level of indentation; `undefined` when everything stands in one line. */
  readonly indent: string | undefined;
  readonly newline: "\n" | "\r\n";
  readonly colon: ":" | ": ";
  readonly comma: "," | ", ";
  /** Whether letters beyond ASCII are written as `\uXXXX`. */
  readonly escapesUnicode: boolean;
}

/** Reads the layout off a notebook's text. */
export function styleOf(text: string): NotebookStyle {
  const lines = /(\r?\n)([ \t]+)"/.exec(text);
  return {
    indent: lines?.[2],
    newline: lines?.[1] === "\r\n" ? "\r\n" : "\n",
    colon: /":\s/.test(text) ? ": " : ":",
    // Elsewhere lines end behind it. Looking through a whole notebook for it takes milliseconds.
    comma: lines === null && /["\]}\d], ["{[]/.test(text) ? ", " : ",",
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what ASCII means.
    escapesUnicode: /\\u[0-9a-fA-F]{4}/.test(text) && !/[^\x00-\x7f]/.test(text),
  };
}

/** Writes a value as JSON in a layout, for a place `depth` levels deep. */
export function renderJson(value: unknown, style: NotebookStyle, depth: number): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => renderJson(item, style, depth + 1));
    return renderGroup("[", items, "]", style, depth);
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(
      ([key, item]) => `${JSON.stringify(key)}${style.colon}${renderJson(item, style, depth + 1)}`,
    );
    return renderGroup("{", members, "}", style, depth);
  }
  const json = JSON.stringify(value) ?? "null";
  if (!style.escapesUnicode) return json;
  return json.replace(/[\u0080-\uffff]/g, (letter) => {
    return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function renderGroup(
  open: string,
  items: readonly string[],
  close: string,
  style: NotebookStyle,
  depth: number,
): string {
  if (items.length === 0) return `${open}${close}`;
  if (style.indent === undefined) return `${open}${items.join(style.comma)}${close}`;
  const inner = `${style.newline}${style.indent.repeat(depth + 1)}`;
  const outer = `${style.newline}${style.indent.repeat(depth)}`;
  return `${open}${inner}${items.join(`,${inner}`)}${outer}${close}`;
}

/** A source as nbformat lists it: lines that keep their endings. */
export function sourceLines(source: string): string[] {
  return source === "" ? [] : source.split(/(?<=\n)/);
}
