import { diffArrays } from "diff";

/** Lines that two texts have in common: so many from an index on in each, counting from 0. */
export interface LineMatch {
  readonly old: number;
  readonly new: number;
  readonly count: number;
}

/**
 * Edits after which looking for the longest common part is given up (Myers' algorithm takes time in
 * proportion to their number times the size): then nothing between the first and the last
 * difference counts as common.
 */
const editLengthMax = 1000;

/**
 * The longest common part of two texts, in order.
 *
 * What both begin and end with is taken off first, and so is every line that only one of them has:
 * it is common in no case, and a formatter makes thousands of them. Lines are numbers from there
 * on.
 */
export function matchLines(old: readonly string[], text: readonly string[]): LineMatch[] {
  const head = lengthOfHead(old, text);
  const tail = lengthOfTail(old, text, head);
  const [oldEnd, newEnd] = [old.length - tail, text.length - tail];
  const matches = new Matches();
  matches.add({ old: 0, new: 0, count: head });
  for (const match of middleOf(old.slice(head, oldEnd), text.slice(head, newEnd))) {
    matches.add({ old: head + match.old, new: head + match.new, count: match.count });
  }
  matches.add({ old: oldEnd, new: newEnd, count: tail });
  return matches.found;
}

function middleOf(old: readonly string[], text: readonly string[]): LineMatch[] {
  const numbers = new Map<string, number>();
  const numbersOf = (lines: readonly string[]): number[] =>
    lines.map((line) => {
      const number = numbers.get(line) ?? numbers.size;
      numbers.set(line, number);
      return number;
    });
  const [oldNumbers, newNumbers] = [numbersOf(old), numbersOf(text)];
  const oldPlaces = placesOf(oldNumbers, new Set(newNumbers));
  const newPlaces = placesOf(newNumbers, new Set(oldNumbers));
  const pick = (all: readonly number[], places: readonly number[]): number[] =>
    places.map((place) => all[place] as number);
  const changes = diffArrays(pick(oldNumbers, oldPlaces), pick(newNumbers, newPlaces), {
    maxEditLength: editLengthMax,
  });
  const matches: LineMatch[] = [];
  let [oldAt, newAt] = [0, 0];
  for (const { added, removed, count } of changes ?? []) {
    for (let index = 0; !added && !removed && index < count; index++) {
      const [place, other] = [oldPlaces[oldAt + index], newPlaces[newAt + index]];
      matches.push({ old: place as number, new: other as number, count: 1 });
    }
    if (!added) oldAt += count;
    if (!removed) newAt += count;
  }
  return matches;
}

/** Where the numbers stand that the other text has too. */
function placesOf(numbers: readonly number[], others: ReadonlySet<number>): number[] {
  return [...numbers.keys()].filter((place) => others.has(numbers[place] as number));
}

function lengthOfHead(old: readonly string[], text: readonly string[]): number {
  const shared = Math.min(old.length, text.length);
  let length = 0;
  while (length < shared && old[length] === text[length]) length += 1;
  return length;
}

function lengthOfTail(old: readonly string[], text: readonly string[], head: number): number {
  const shared = Math.min(old.length, text.length) - head;
  let length = 0;
  while (length < shared && old.at(-1 - length) === text.at(-1 - length)) length += 1;
  return length;
}

/** Matches that follow each other on both sides are one. */
class Matches {
  readonly found: LineMatch[] = [];

  add(match: LineMatch): void {
    if (match.count === 0) return;
    const last = this.found.at(-1);
    if (last === undefined || !continues(last, match)) {
      this.found.push(match);
      return;
    }
    this.found[this.found.length - 1] = { ...last, count: last.count + match.count };
  }
}

function continues(last: LineMatch, match: LineMatch): boolean {
  return last.old + last.count === match.old && last.new + last.count === match.new;
}
