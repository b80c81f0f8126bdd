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
  const matches = new Matches();
  matches.add(0, 0, head);
  addMiddle(
    matches,
    head,
    old.slice(head, old.length - tail),
    text.slice(head, text.length - tail),
  );
  matches.add(old.length - tail, text.length - tail, tail);
  return matches.found;
}

function addMiddle(
  matches: Matches,
  head: number,
  old: readonly string[],
  text: readonly string[],
): void {
  const sides = sharedLinesOf(old, text);
  const changes = diffArrays(sides.old.numbers, sides.new.numbers, {
    maxEditLength: editLengthMax,
  });
  let [oldAt, newAt] = [0, 0];
  for (const { added, removed, count } of changes ?? []) {
    for (let index = 0; !added && !removed && index < count; index++) {
      const [one, other] = [sides.old.places[oldAt + index], sides.new.places[newAt + index]];
      matches.add(head + (one as number), head + (other as number), 1);
    }
    if (!added) oldAt += count;
    if (!removed) newAt += count;
  }
}

/** The lines of one text that the other has as well. */
interface SharedLines {
  /** Equal lines have equal numbers. */
  readonly numbers: number[];
  /** Where each of them stands. */
  readonly places: number[];
}

function sharedLinesOf(
  old: readonly string[],
  text: readonly string[],
): { readonly old: SharedLines; readonly new: SharedLines } {
  const known = new Map<string, number>();
  const oldNumbers = old.map((line) => {
    const number = known.get(line) ?? known.size;
    known.set(line, number);
    return number;
  });
  const isShared = new Uint8Array(known.size);
  const ofOld: SharedLines = { numbers: [], places: [] };
  const ofNew: SharedLines = { numbers: [], places: [] };
  for (let place = 0; place < text.length; place++) {
    const number = known.get(text[place] as string);
    if (number === undefined) continue;
    isShared[number] = 1;
    ofNew.numbers.push(number);
    ofNew.places.push(place);
  }
  for (let place = 0; place < old.length; place++) {
    const number = oldNumbers[place] as number;
    if (isShared[number] === 0) continue;
    ofOld.numbers.push(number);
    ofOld.places.push(place);
  }
  return { old: ofOld, new: ofNew };
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
  readonly found: { old: number; new: number; count: number }[] = [];

  add(old: number, other: number, count: number): void {
    if (count === 0) return;
    const last = this.found.at(-1);
    if (last !== undefined && last.old + last.count === old && last.new + last.count === other) {
      last.count += count;
    } else this.found.push({ old, new: other, count });
  }
}
