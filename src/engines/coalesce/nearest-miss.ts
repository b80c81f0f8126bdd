/** The place of a content that comes closest to a text that was not found in it. */
export interface NearestMiss {
  /** First line of the place, from 1. */
  readonly line: number;
  /** What stands there. */
  readonly text: string;
  /** 0 to 1: share of letter pairs in common (Dice's coefficient). */
  readonly similarity: number;
  /** What the difference comes down to, when it is one of the usual ones. */
  readonly hint: string | undefined;
}

/** Content beyond this is not searched: the answer is a courtesy, not worth a long wait. */
const charactersMax = 2_000_000;
const candidatesMax = 200;
const similarityMin = 0.5;

/**
 * Finds the nearest miss: slides a window of as many lines as the text has, ranks the windows by
 * lines they share with it, and compares the best of them letter pair by letter pair.
 */
export function findNearestMiss(content: string, wanted: string): NearestMiss | undefined {
  if (content.length > charactersMax || wanted.trim() === "") return undefined;
  const lines = content.split("\n");
  const target = wanted.split("\n");
  const windows = Math.max(1, lines.length - target.length + 1);
  const ranked = rankWindows(lines, target, windows);
  let best: NearestMiss | undefined;
  for (const start of ranked) {
    const text = lines.slice(start, start + target.length).join("\n");
    const hint = hintOf(text, wanted);
    const similarity = similarityOf(text, wanted);
    const miss = { line: start + 1, text, similarity, hint };
    // The first place that differs in a usual way is what was meant.
    if (hint !== undefined) return miss;
    if (similarity >= similarityMin && similarity > (best?.similarity ?? 0)) best = miss;
  }
  return best;
}

function rankWindows(
  lines: readonly string[],
  target: readonly string[],
  windows: number,
): number[] {
  const wantedWords = new Set(target.flatMap(wordsOf));
  const scores = lines.map((line) => wordsOf(line).filter((word) => wantedWords.has(word)).length);
  const ranked: { start: number; score: number }[] = [];
  let sum = scores.slice(0, target.length).reduce((total, score) => total + score, 0);
  for (let start = 0; start < windows; start++) {
    if (sum > 0 || windows <= candidatesMax) ranked.push({ start, score: sum });
    sum += (scores[start + target.length] ?? 0) - (scores[start] ?? 0);
  }
  ranked.sort((a, b) => b.score - a.score || a.start - b.start);
  return ranked.slice(0, candidatesMax).map(({ start }) => start);
}

function wordsOf(line: string): string[] {
  return line.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
}

/** Dice, L. R., "Measures of the amount of ecologic association between species", 1945. */
function similarityOf(left: string, right: string): number {
  const pairs = pairsOf(left);
  const total = Math.max(1, left.length - 1) + Math.max(1, right.length - 1);
  let shared = 0;
  for (const [pair, count] of pairsOf(right)) shared += Math.min(count, pairs.get(pair) ?? 0);
  return (2 * shared) / total;
}

function pairsOf(text: string): Map<string, number> {
  const pairs = new Map<string, number>();
  for (let index = 0; index + 1 < text.length; index++) {
    const pair = text.slice(index, index + 2);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return pairs;
}

function hintOf(text: string, wanted: string): string | undefined {
  const bare = (value: string) => value.replace(/\r/g, "");
  if (bare(text).includes(bare(wanted))) return "only the line endings differ";
  const packed = (value: string) => value.replace(/\s+/g, " ").trim();
  if (packed(text).includes(packed(wanted))) return "only spaces, tabs or line breaks differ";
  if (text.toLowerCase().includes(wanted.toLowerCase())) return "only upper and lower case differ";
  const plain = (value: string) =>
    value
      .replace(/[‘’‚‛]/g, "'")
      .replace(/[“”„‟]/g, '"')
      .replace(/[‐-―]/g, "-");
  if (plain(text).includes(plain(wanted))) return "only curly quotes or dashes differ";
  return undefined;
}
