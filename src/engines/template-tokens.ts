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
