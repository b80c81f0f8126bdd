import { DraftError } from "../errors.ts";

/**
 * A JSON value with the place where it stands in its text, so that one value can be replaced
 * without touching a byte of the others.
 */
export type JsonSpan = ObjectSpan | ArraySpan | ScalarSpan;

interface SpanBase {
  /** Index of the first character, and of the one after the last. */
  readonly start: number;
  readonly end: number;
}

export interface ObjectSpan extends SpanBase {
  readonly kind: "object";
  readonly members: readonly MemberSpan[];
}

export interface MemberSpan extends SpanBase {
  readonly key: string;
  readonly value: JsonSpan;
}

export interface ArraySpan extends SpanBase {
  readonly kind: "array";
  readonly items: readonly JsonSpan[];
}

export interface ScalarSpan extends SpanBase {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
}

/** Nesting beyond this is refused rather than overflowing the stack. */
const depthMax = 500;

/**
 * Parses JSON (RFC 8259) keeping every value's place.
 *
 * @throws {DraftError} `DRAFT_TOOL_INPUT` with the position of what is not JSON.
 */
export function parseSpans(text: string): JsonSpan {
  const parser = new SpanParser(text);
  return parser.parse();
}

/** The member of an object by its key; the last one where a key is repeated. */
export function findMember(span: JsonSpan | undefined, key: string): MemberSpan | undefined {
  if (span?.kind !== "object") return undefined;
  return span.members.findLast((member) => member.key === key);
}

class SpanParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): JsonSpan {
    if (this.#text.startsWith("\ufeff")) this.#at = 1;
    const span = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#error("text after the value");
    return span;
  }

  #value(depth: number): JsonSpan {
    if (depth > depthMax) throw this.#error("nesting that is too deep");
    this.#space();
    const letter = this.#text[this.#at];
    if (letter === "{") return this.#object(depth);
    if (letter === "[") return this.#array(depth);
    return letter === '"' ? this.#string() : this.#literal();
  }

  #object(depth: number): ObjectSpan {
    const start = this.#at;
    const members: MemberSpan[] = [];
    this.#at += 1;
    for (this.#space(); this.#text[this.#at] !== "}"; this.#space()) {
      if (members.length > 0) this.#expect(",");
      this.#space();
      const key = this.#string();
      this.#space();
      this.#expect(":");
      const value = this.#value(depth + 1);
      members.push({ key: key.value, value, start: key.start, end: value.end });
    }
    this.#at += 1;
    return { kind: "object", members, start, end: this.#at };
  }

  #array(depth: number): ArraySpan {
    const start = this.#at;
    const items: JsonSpan[] = [];
    this.#at += 1;
    for (this.#space(); this.#text[this.#at] !== "]"; this.#space()) {
      if (items.length > 0) this.#expect(",");
      items.push(this.#value(depth + 1));
    }
    this.#at += 1;
    return { kind: "array", items, start, end: this.#at };
  }

  #string(): ScalarSpan & { readonly value: string } {
    const start = this.#at;
    if (this.#text[start] !== '"') throw this.#error("no string");
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"')
      end += this.#text[end] === "\\" ? 2 : 1;
    this.#at = end + 1;
    const value = this.#parsed(start);
    if (typeof value !== "string") throw this.#error("no string");
    return { kind: "scalar", value, start, end: this.#at };
  }

  #literal(): ScalarSpan {
    const start = this.#at;
    const pattern = /-?[0-9][0-9.eE+-]*|true|false|null/y;
    pattern.lastIndex = start;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw this.#error("no value");
    this.#at = start + found.length;
    const value = this.#parsed(start);
    if (typeof value === "object" && value !== null) throw this.#error("no value");
    return { kind: "scalar", value, start, end: this.#at };
  }

  #parsed(start: number): string | number | boolean | null {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string | number | boolean | null;
    } catch {
      this.#at = start;
      throw this.#error("a malformed value");
    }
  }

  #expect(letter: string): void {
    if (this.#text[this.#at] !== letter) throw this.#error(`no ${letter}`);
    this.#at += 1;
  }

  #space(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }

  #error(what: string): DraftError {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    return new DraftError(
      "DRAFT_TOOL_INPUT",
      `Cannot read JSON: ${what} in line ${line}, at character ${this.#at}.`,
      { details: { position: this.#at, line } },
    );
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
