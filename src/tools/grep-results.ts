import { shownPathOf } from "../engines/overlay-path.ts";
import type { EngineOverlay } from "../engines/overlay-port.ts";
import type { GrepInput, GrepOutput } from "./grep-tool.ts";

/** Lines or names returned when `head_limit` is not given. */
const limitDefault = 250;

/**
 * What a search has found so far. Of the content of files only the lines that are returned are
 * kept, so that a pattern that fits everywhere does not gather the whole tree in memory.
 */
export class GrepResults {
  readonly #overlay: EngineOverlay;
  readonly #request: GrepInput;
  readonly #mode: GrepOutput["mode"];
  /** Where the page begins among the entries, and where it ends. */
  readonly #from: number;
  readonly #to: number;
  readonly #filenames: string[] = [];
  /** The page of lines or counts, and how many entries there were up to its end. */
  readonly #page: string[] = [];
  #entries = 0;
  #matches = 0;

  constructor(overlay: EngineOverlay, request: GrepInput) {
    this.#overlay = overlay;
    this.#request = request;
    this.#mode = request.output_mode ?? "files_with_matches";
    const limit = request.head_limit ?? limitDefault;
    this.#from = request.offset ?? 0;
    this.#to = limit === 0 ? Number.POSITIVE_INFINITY : this.#from + limit;
  }

  /** Takes in a file and the numbers, from 0, of its lines that match; at least one. */
  add(path: string, lines: readonly string[], found: readonly number[]): void {
    this.#filenames.push(path);
    this.#matches += found.length;
    if (this.#mode === "files_with_matches" || this.#entries >= this.#to) return;
    const shown = shownPathOf(this.#overlay, path);
    if (this.#mode === "count") this.#enter(`${shown}:${found.length}`);
    else for (const line of shownLines(this.#request, shown, lines, found)) this.#enter(line);
  }

  /** The result, but for what was skipped. */
  output(): Omit<GrepOutput, "skipped"> {
    const { head_limit, offset } = this.#request;
    const limits = {
      ...(head_limit === undefined ? {} : { appliedLimit: head_limit }),
      ...(offset === undefined ? {} : { appliedOffset: offset }),
    };
    const mode = this.#mode;
    const filenames = this.#filenames;
    const numFiles = filenames.length;
    const content = this.#page.join("\n");
    switch (mode) {
      case "files_with_matches":
        return { mode, filenames: filenames.slice(this.#from, this.#to), numFiles, ...limits };
      case "count":
        return { mode, filenames, numFiles, content, numMatches: this.#matches, ...limits };
      case "content":
        return { mode, filenames, numFiles, content, numLines: this.#page.length, ...limits };
    }
  }

  #enter(entry: string): void {
    // A part of a string would keep the whole of it in memory: a copy does not.
    const isShown = this.#entries >= this.#from && this.#entries < this.#to;
    if (isShown) this.#page.push(Buffer.from(entry, "utf16le").toString("utf16le"));
    this.#entries += 1;
  }
}

/** The lines that match, with those around them that were asked for, as grep prints them. */
function* shownLines(
  request: GrepInput,
  path: string,
  lines: readonly string[],
  found: readonly number[],
): Generator<string> {
  const before = request["-B"] ?? request["-C"] ?? 0;
  const after = request["-A"] ?? request["-C"] ?? 0;
  const matching = new Set(found);
  const shown = new Set<number>();
  for (const line of found) {
    const last = Math.min(lines.length - 1, line + after);
    for (let index = Math.max(0, line - before); index <= last; index++) shown.add(index);
  }
  let previous: number | undefined;
  for (const index of [...shown].sort((a, b) => a - b)) {
    const hasGap = previous !== undefined && index > previous + 1;
    if (hasGap && before + after > 0) yield "--";
    const mark = matching.has(index) ? ":" : "-";
    const number = request["-n"] === false ? "" : `${index + 1}${mark}`;
    yield `${path}${mark}${number}${lines[index] ?? ""}`;
    previous = index;
  }
}
