/** A token of one sequence and its equal in the other, by their indexes. */
export type TokenPair = readonly [left: number, right: number];

interface Range {
  readonly leftStart: number;
  readonly leftEnd: number;
  readonly rightStart: number;
  readonly rightEnd: number;
}

/** Edits beyond which two stretches are taken as having nothing in common. */
const editsMax = 800;

/**
 * Aligns two token sequences: pairs of equal tokens, growing on both sides.
 *
 * Unique tokens that both sequences share are anchors, put in order by their longest increasing
 * subsequence (Bram Cohen's patience diff); between anchors Myers' greedy algorithm ("An O(ND)
 * difference algorithm and its variations", 1986) finds a longest common subsequence.
 */
export function alignTokens(left: readonly string[], right: readonly string[]): TokenPair[] {
  const pairs: TokenPair[] = [];
  const whole = { leftStart: 0, leftEnd: left.length, rightStart: 0, rightEnd: right.length };
  const waiting: Range[] = [whole];
  for (let range = waiting.pop(); range !== undefined; range = waiting.pop()) {
    const inner = trimmed(left, right, range, pairs);
    if (inner.leftStart === inner.leftEnd || inner.rightStart === inner.rightEnd) continue;
    const anchors = anchorsIn(left, right, inner);
    if (anchors.length === 0) {
      pairs.push(...shortestEdit(left, right, inner));
      continue;
    }
    let { leftStart, rightStart } = inner;
    for (const [atLeft, atRight] of anchors) {
      pairs.push([atLeft, atRight]);
      waiting.push({ leftStart, leftEnd: atLeft, rightStart, rightEnd: atRight });
      leftStart = atLeft + 1;
      rightStart = atRight + 1;
    }
    waiting.push({ ...inner, leftStart, rightStart });
  }
  return pairs.sort((a, b) => a[0] - b[0]);
}

/** Pairs up equal tokens at both ends; returns what is left between. */
function trimmed(
  left: readonly string[],
  right: readonly string[],
  range: Range,
  pairs: TokenPair[],
): Range {
  let { leftStart, leftEnd, rightStart, rightEnd } = range;
  while (leftStart < leftEnd && rightStart < rightEnd && left[leftStart] === right[rightStart]) {
    pairs.push([leftStart, rightStart]);
    leftStart += 1;
    rightStart += 1;
  }
  while (
    leftStart < leftEnd &&
    rightStart < rightEnd &&
    left[leftEnd - 1] === right[rightEnd - 1]
  ) {
    leftEnd -= 1;
    rightEnd -= 1;
    pairs.push([leftEnd, rightEnd]);
  }
  return { leftStart, leftEnd, rightStart, rightEnd };
}

function anchorsIn(left: readonly string[], right: readonly string[], range: Range): TokenPair[] {
  const places = uniquePlaces(left, range.leftStart, range.leftEnd);
  const others = uniquePlaces(right, range.rightStart, range.rightEnd);
  const common: TokenPair[] = [];
  for (const [token, at] of places) {
    const other = others.get(token);
    // Single letters and signs are unique by chance too often.
    if (at >= 0 && other !== undefined && other >= 0 && token.length > 1) common.push([at, other]);
  }
  return increasing(common.sort((a, b) => a[0] - b[0]));
}

/** Where each token stands; -1 when it occurs more than once. */
function uniquePlaces(tokens: readonly string[], start: number, end: number): Map<string, number> {
  const places = new Map<string, number>();
  for (let index = start; index < end; index++) {
    const token = tokens[index] ?? "";
    places.set(token, places.has(token) ? -1 : index);
  }
  return places;
}

/** The longest subsequence that grows on the right as well, by patience sorting. */
function increasing(pairs: readonly TokenPair[]): TokenPair[] {
  const tops: number[] = [];
  const previous: number[] = [];
  for (const [index, [, at]] of pairs.entries()) {
    let low = 0;
    let high = tops.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tops[middle] ?? 0]?.[1] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    previous[index] = tops[low - 1] ?? -1;
    tops[low] = index;
  }
  const longest: TokenPair[] = [];
  for (let index = tops.at(-1) ?? -1; index >= 0; index = previous[index] ?? -1) {
    const pair = pairs[index];
    if (pair !== undefined) longest.push(pair);
  }
  return longest.reverse();
}

/** Myers' greedy search, forward, with the furthest points of every round kept to walk back. */
function shortestEdit(
  left: readonly string[],
  right: readonly string[],
  range: Range,
): TokenPair[] {
  const leftCount = range.leftEnd - range.leftStart;
  const rightCount = range.rightEnd - range.rightStart;
  const limit = Math.min(leftCount + rightCount, editsMax);
  const furthest = new Int32Array(2 * limit + 3);
  const rounds: Int32Array[] = [];
  const offset = limit + 1;
  for (let edits = 0; edits <= limit; edits++) {
    rounds.push(furthest.slice(offset - edits - 1, offset + edits + 2));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      const down =
        diagonal === -edits ||
        (diagonal !== edits &&
          (furthest[offset + diagonal - 1] ?? 0) < (furthest[offset + diagonal + 1] ?? 0));
      let x = down
        ? (furthest[offset + diagonal + 1] ?? 0)
        : (furthest[offset + diagonal - 1] ?? 0) + 1;
      while (
        x < leftCount &&
        x - diagonal < rightCount &&
        left[range.leftStart + x] === right[range.rightStart + x - diagonal]
      ) {
        x += 1;
      }
      furthest[offset + diagonal] = x;
      if (x >= leftCount && x - diagonal >= rightCount) return walkBack(rounds, range, diagonal, x);
    }
  }
  return [];
}

function walkBack(
  rounds: readonly Int32Array[],
  range: Range,
  lastDiagonal: number,
  lastX: number,
): TokenPair[] {
  const pairs: TokenPair[] = [];
  let diagonal = lastDiagonal;
  let x = lastX;
  for (let edits = rounds.length - 1; edits >= 0; edits--) {
    const before = rounds[edits];
    const at = (wanted: number) => before?.[wanted + edits + 1] ?? 0;
    const down = diagonal === -edits || (diagonal !== edits && at(diagonal - 1) < at(diagonal + 1));
    const previous = edits === 0 ? 0 : down ? diagonal + 1 : diagonal - 1;
    const start = edits === 0 ? 0 : down ? at(previous) : at(previous) + 1;
    while (x > start) {
      x -= 1;
      pairs.push([range.leftStart + x, range.rightStart + x - diagonal]);
    }
    x = edits === 0 ? 0 : at(previous);
    diagonal = previous;
  }
  return pairs;
}
