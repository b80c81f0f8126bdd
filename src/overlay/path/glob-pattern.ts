/** Any number of directories: the segment `**`. */
export const globStar = Symbol("**");

/** One component of a pattern: a name, an expression for names, or `**`. */
export type GlobSegment = string | RegExp | typeof globStar;

export interface GlobOptions {
  /** Lets wildcards stand for the dot that a hidden name begins with. Off, as for Node. */
  readonly dot?: boolean;
}

/** Compiles a glob to the alternatives that its braces stand for, each a list of segments. */
export function compileGlob(pattern: string, options: GlobOptions = {}): GlobSegment[][] {
  const isDotted = options.dot === true;
  return expandBraces(pattern).map((plain) =>
    plain.split("/").map((text) => segmentOf(text, isDotted)),
  );
}

/**
 * Compiles a glob to a test for whole relative paths: `*` and `?` stay within a name and `**` spans
 * directories, `[a-z]` and `[!a-z]` are sets, `{a,b}` alternatives, a backslash escapes.
 * Case-sensitive; names that begin with a dot are matched like others.
 */
export function globTest(pattern: string): (path: string) => boolean {
  const alternatives = compileGlob(pattern, { dot: true });
  return (path) => {
    const components = path.split("/");
    return alternatives.some((segments) => matchesGlob(segments, components));
  };
}

/** Whether a path, given as its components, is matched as a whole. */
export function matchesGlob(segments: readonly GlobSegment[], path: readonly string[]): boolean {
  const [segment, ...rest] = segments;
  if (segment === undefined) return path.length === 0;
  if (segment === globStar) {
    for (let skipped = 0; skipped <= path.length; skipped++) {
      if (matchesGlob(rest, path.slice(skipped))) return true;
    }
    return false;
  }
  const [name, ...below] = path;
  return name !== undefined && matchesSegment(segment, name) && matchesGlob(rest, below);
}

/** Whether a name is matched by one segment that is not `**`. */
export function matchesSegment(segment: string | RegExp, name: string): boolean {
  return typeof segment === "string" ? segment === name : segment.test(name);
}

/**
 * What of a pattern can still be to come behind a path, given as its components: the positions in
 * the pattern at which a match of something below the path would go on.
 */
export function openPositions(
  segments: readonly GlobSegment[],
  path: readonly string[],
): ReadonlySet<number> {
  let positions = withGlobStars(segments, [0]);
  for (const name of path) {
    const next: number[] = [];
    for (const position of positions) {
      const segment = segments[position];
      if (segment === globStar) next.push(position);
      else if (segment !== undefined && matchesSegment(segment, name)) next.push(position + 1);
    }
    positions = withGlobStars(segments, next);
  }
  positions.delete(segments.length);
  return positions;
}

/** Adds the positions that are reached because `**` may stand for nothing. */
function withGlobStars(segments: readonly GlobSegment[], positions: readonly number[]) {
  const all = new Set(positions);
  for (const position of all) if (segments[position] === globStar) all.add(position + 1);
  return all;
}

/** Bound on what nested braces may expand to. */
const expansionsMax = 10_000;

/** `{a,b}` and `{1..3}`, innermost last, as shells and minimatch expand them. */
function expandBraces(pattern: string): string[] {
  const open = findUnescaped(pattern, "{", 0);
  if (open < 0) return [pattern];
  const close = closingBrace(pattern, open);
  if (close < 0) return [pattern];
  const head = pattern.slice(0, open);
  const body = pattern.slice(open + 1, close);
  const tails = expandBraces(pattern.slice(close + 1));
  const range = rangeOf(body);
  const parts = range ?? splitTopLevel(body);
  const isSet = range !== undefined || parts.length > 1;
  const inner = isSet
    ? parts.flatMap((part) => expandBraces(part))
    : expandBraces(body).map((part) => `{${part}}`);
  const all: string[] = [];
  for (const part of inner) {
    for (const tail of tails) {
      if (all.length < expansionsMax) all.push(head + part + tail);
    }
  }
  return all;
}

function findUnescaped(text: string, wanted: string, from: number): number {
  for (let index = from; index < text.length; index++) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === wanted) return index;
  }
  return -1;
}

function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let index = open; index < text.length; index++) {
    if (text[index] === "\\") index += 1;
    else if (text[index] === "{") depth += 1;
    else if (text[index] === "}" && --depth === 0) return index;
  }
  return -1;
}

function splitTopLevel(body: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < body.length; index++) {
    const character = body[index];
    if (character === "\\") index += 1;
    else if (character === "{") depth += 1;
    else if (character === "}") depth -= 1;
    else if (character === "," && depth === 0) {
      parts.push(body.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(body.slice(start));
  return parts;
}

function rangeOf(body: string): string[] | undefined {
  const match = /^(-?\d+|[a-zA-Z])\.\.(-?\d+|[a-zA-Z])(?:\.\.(-?\d+))?$/.exec(body);
  if (match === null) return undefined;
  const [, from = "", to = "", by = "1"] = match;
  const isNumeric = /\d/.test(from) && /\d/.test(to);
  if (!isNumeric && (from.length !== 1 || to.length !== 1 || /\d/.test(from + to)))
    return undefined;
  const first = isNumeric ? Number(from) : from.charCodeAt(0);
  const last = isNumeric ? Number(to) : to.charCodeAt(0);
  const step = Math.max(1, Math.abs(Number(by)));
  const width = [from, to].some((text) => /^-?0\d/.test(text))
    ? Math.max(from.length, to.length)
    : 0;
  const parts: string[] = [];
  const direction = first <= last ? step : -step;
  for (let at = first; first <= last ? at <= last : at >= last; at += direction) {
    if (parts.length >= expansionsMax) break;
    parts.push(isNumeric ? String(at).padStart(width, "0") : String.fromCharCode(at));
  }
  return parts;
}

function segmentOf(text: string, allowsDot: boolean): GlobSegment {
  if (text === "**") return globStar;
  if (!/[*?[\]()!+@\\]/.test(text)) return text;
  const source = sourceOf(text);
  if (source === undefined) return text.replace(/\\(.)/g, "$1");
  const isDotted = allowsDot || text.startsWith(".") || text.startsWith("\\.");
  return new RegExp(`^${isDotted ? "" : "(?!\\.)"}${source}$`, "su");
}

/** The expression for one segment, `undefined` when it has no wildcard. */
function sourceOf(text: string): string | undefined {
  const scanner = new SegmentScanner(text);
  const source = scanner.scan("");
  return scanner.isMagic ? source : undefined;
}

class SegmentScanner {
  isMagic = false;
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Reads up to one of the characters `ends` outside of brackets, or to the end. */
  scan(ends: string): string {
    let source = "";
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at] as string;
      if (ends.includes(character)) return source;
      source += this.#next(character);
    }
    return source;
  }

  #next(character: string): string {
    if ("?*+@!".includes(character) && this.#text[this.#at + 1] === "(") {
      const group = this.#group(character);
      if (group !== undefined) return group;
    }
    if (character === "[") {
      const set = this.#set();
      if (set !== undefined) return set;
    }
    this.#at += 1;
    if (character === "*") {
      while (this.#text[this.#at] === "*") this.#at += 1;
      this.isMagic = true;
      return "[^/]*?";
    }
    if (character === "?") {
      this.isMagic = true;
      return "[^/]";
    }
    if (character !== "\\") return escaped(character);
    const literal = this.#text[this.#at] ?? "\\";
    this.#at += 1;
    return escaped(literal);
  }

  /** `?(a|b)` and its kin. */
  #group(kind: string): string | undefined {
    const start = this.#at;
    this.#at += 2;
    const parts = [this.scan("|)")];
    while (this.#text[this.#at] === "|") {
      this.#at += 1;
      parts.push(this.scan("|)"));
    }
    if (this.#text[this.#at] !== ")") {
      this.#at = start;
      return undefined;
    }
    this.#at += 1;
    this.isMagic = true;
    const body = parts.join("|");
    if (kind !== "!") return `(?:${body})${kind === "@" ? "" : kind}`;
    const rest = new SegmentScanner(this.#text.slice(this.#at)).scan("");
    return `(?!(?:${body})${rest}$)[^/]*?`;
  }

  /** `[a-z]`, `[!a-z]`, `[[:alpha:]]`. */
  #set(): string | undefined {
    const match = /^\[([!^]?)((?:\[:\w+:\]|\\.|\]?[^\]\\]?)(?:\[:\w+:\]|\\.|[^\]\\])*)\]/s.exec(
      this.#text.slice(this.#at),
    );
    if (match === null) return undefined;
    this.#at += match[0].length;
    this.isMagic = true;
    const members = (match[2] ?? "").replace(
      /\[:(\w+):\]|\\(.)|([\][&~^|(){}/])/gs,
      (all, name, quoted, special) => {
        if (name !== undefined) return posixClasses.get(name as string) ?? escapedMember(all);
        return `\\${(quoted ?? special) as string}`;
      },
    );
    return `[${match[1] === "" ? "" : "^"}${members}]`;
  }
}

const posixClasses: ReadonlyMap<string, string> = new Map([
  ["alnum", "\\p{L}\\p{Nl}\\p{Nd}"],
  ["alpha", "\\p{L}\\p{Nl}"],
  ["ascii", "\\x00-\\x7f"],
  ["blank", "\\p{Zs}\\t"],
  ["cntrl", "\\p{Cc}"],
  ["digit", "\\p{Nd}"],
  ["lower", "\\p{Ll}"],
  ["punct", "\\p{P}"],
  ["space", "\\p{Z}\\t\\r\\n\\v\\f"],
  ["upper", "\\p{Lu}"],
  ["word", "\\p{L}\\p{Nl}\\p{Nd}\\p{Pc}"],
  ["xdigit", "A-Fa-f0-9"],
]);

function escaped(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

function escapedMember(text: string): string {
  return text.replace(/[\][]/g, "\\$&");
}
