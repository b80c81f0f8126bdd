import type fs from "node:fs";
import { giveDates, nanosecondKeys, Stats, type StatsFields } from "../lower/lower-classes.ts";
import { makeDevice } from "../node-stats.ts";

/**
 * `Stats` of Node, of what statx(2) has written.
 *
 * @param words the struct, in numbers of 32 bits; may be used again afterwards.
 * @returns `undefined` where a time lies before 1970 or after 2106, which Node has to tell.
 */
export function statsOfStatx(words: Uint32Array): fs.Stats | undefined {
  const highest = at(words, 17) | at(words, 21) | at(words, 25) | at(words, 29);
  if (highest !== 0) return undefined;
  lastStats = new StatxStats(words);
  return lastStats;
}

/** Lasts for the sake of its hidden class: V8 forgets one of which no object is left. */
let lastStats: fs.Stats;

const twoTo32 = 2 ** 32;

// `new Stats()` is deprecated; sharing its prototype makes objects of the same class.
const StatxStats = function (this: StatsFields, words: Uint32Array): void {
  this.dev = makeDevice(at(words, 34), at(words, 35));
  this.mode = at(words, 7) & 0xffff;
  this.nlink = at(words, 4);
  this.uid = at(words, 5);
  this.gid = at(words, 6);
  this.rdev = makeDevice(at(words, 32), at(words, 33));
  this.blksize = at(words, 1);
  this.ino = at(words, 8) + at(words, 9) * twoTo32;
  this.size = at(words, 10) + at(words, 11) * twoTo32;
  this.blocks = at(words, 12) + at(words, 13) * twoTo32;
  this.atimeMs = millisecondsAt(words, 16);
  this.mtimeMs = millisecondsAt(words, 28);
  this.ctimeMs = millisecondsAt(words, 24);
  this.birthtimeMs = millisecondsAt(words, 20);
  if (nanosecondKeys.length > 0) keepNanoseconds(this, words);
  giveDates(this);
} as unknown as new (
  words: Uint32Array,
) => fs.Stats;
StatxStats.prototype = Stats.prototype;

function at(words: Uint32Array, index: number): number {
  return words[index] as number;
}

/** Computed in the very order in which Node computes them. */
function millisecondsAt(words: Uint32Array, index: number): number {
  return at(words, index) * 1000 + at(words, index + 2) / 1_000_000;
}

/** Of access, modification, change and birth: where their nanoseconds are. */
const nanosecondsAt = [18, 30, 26, 22];

function keepNanoseconds(stats: StatsFields, words: Uint32Array): void {
  const table = stats as unknown as Record<symbol, number>;
  for (const [order, key] of nanosecondKeys.entries()) {
    table[key] = at(words, nanosecondsAt[order] as number);
  }
}
