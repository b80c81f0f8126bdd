/**
 * Splits text into the tokens that templates are aligned by: line endings, runs of blanks, the
 * words inside identifiers (`user`, `Id`, `HTTP`), numbers, and single other characters. Joined
 * again they are the text.
 */
export function tokensOf(text: string): string[] {
  return text.match(tokenPattern) ?? [];
}

const tokenPattern =
  /\r\n|[ \t]+|\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{M}]+|[\p{Lo}\p{Lt}\p{Lm}]+|\p{N}+|./gsu;

/** Letters and digits of a text: what carries meaning when skeletons are weighed. */
export function weightOf(text: string): number {
  let weight = 0;
  for (const run of text.matchAll(/[\p{L}\p{N}]+/gu)) weight += run[0].length;
  return weight;
}

/** A text that is held against several templates: split once, and only when it has to be. */
export class TokenizedText {
  readonly text: string;
  #tokens: readonly string[] | undefined;
  #counts: ReadonlyMap<string, number> | undefined;

  constructor(text: string) {
    this.text = text;
  }

  get tokens(): readonly string[] {
    this.#tokens ??= tokensOf(this.text);
    return this.#tokens;
  }

  get counts(): ReadonlyMap<string, number> {
    this.#counts ??= countsOf(this.tokens);
    return this.#counts;
  }
}

/** How often each token occurs. */
export function countsOf(tokens: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
  return counts;
}

/**
 * Letters and digits of the tokens that two texts share, wherever they stand: more than that no
 * alignment of them can find in common.
 */
export function sharedWeightOf(
  left: ReadonlyMap<string, number>,
  right: ReadonlyMap<string, number>,
): number {
  let weight = 0;
  for (const [token, count] of left) {
    const other = right.get(token);
    if (other !== undefined) weight += weightOf(token) * Math.min(count, other);
  }
  return weight;
}
