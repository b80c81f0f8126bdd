import type { SeededRandom } from "../../support/seeded-random.ts";
import type { LogRecord } from "./write-log.ts";

/**
 * A moment at which the power fails. All writes before the last flush that was completed by then
 * are on the disk; of the later ones, as many as `remainder` says.
 */
export interface Cut {
  /** Index into the log: the records before it have happened. */
  readonly position: number;
  readonly remainder: Remainder;
}

/**
 * Which of the writes after the last flush survive. `torn`: a random subset, and one of them with
 * a random subset of its 4 KiB pieces, the unit that all three file systems take to be written
 * whole.
 */
export type Remainder = "none" | "all" | "prefix" | "subset" | "torn";

export interface Patch {
  readonly offset: number;
  readonly data: Buffer;
}

const pieceBytes = 4096;

/**
 * Moments from the log position `start` on: right after and right before every flush, and random
 * ones in between; a random selection of `count` of them when they are more.
 */
export function chooseCuts(
  log: readonly LogRecord[],
  random: SeededRandom,
  options: { readonly start: number; readonly end: number; readonly count: number },
): Cut[] {
  const cuts: Cut[] = [];
  for (let position = options.start; position <= options.end; position++) {
    if (log[position - 1]?.kind === "flush") cuts.push({ position, remainder: "none" });
    if (log[position]?.kind === "flush") {
      cuts.push({ position, remainder: random.pick(["all", "prefix", "subset", "torn"] as const) });
    }
  }
  const betweenCount = Math.max(cuts.length, options.count >> 1);
  for (let made = 0; made < betweenCount; made++) {
    const remainder = random.pick(["all", "prefix", "subset", "subset", "torn"] as const);
    cuts.push({ position: random.between(options.start, options.end), remainder });
  }
  while (cuts.length > options.count) cuts.splice(random.between(0, cuts.length - 1), 1);
  return cuts.sort((left, right) => left.position - right.position);
}

/** The index after the last flush before `position`: what lies before it is durable. */
export function durablePosition(log: readonly LogRecord[], position: number): number {
  for (let index = position; index > 0; index--) {
    if (log[index - 1]?.kind === "flush") return index;
  }
  return 0;
}

/** The writes between two positions. */
export function writesBetween(log: readonly LogRecord[], start: number, end: number): Patch[] {
  return log.slice(start, end).filter((record) => record.kind === "write");
}

/** What a cut leaves of the writes that no flush followed. */
export function survivorsOf(pending: readonly Patch[], cut: Cut, random: SeededRandom): Patch[] {
  if (cut.remainder === "none") return [];
  if (cut.remainder === "all") return [...pending];
  if (cut.remainder === "prefix") return pending.slice(0, random.between(0, pending.length));
  const probability = 0.1 + 0.8 * random.fraction();
  const survivors = pending.filter(() => random.chance(probability));
  if (cut.remainder === "subset" || survivors.length === 0) return survivors;
  const victim = random.between(0, survivors.length - 1);
  return survivors.flatMap((patch, index) => (index === victim ? tear(patch, random) : [patch]));
}

function tear(patch: Patch, random: SeededRandom): Patch[] {
  const pieces: Patch[] = [];
  for (let start = 0; start < patch.data.length; start += pieceBytes) {
    if (random.chance(0.5)) continue;
    const data = patch.data.subarray(start, start + pieceBytes);
    pieces.push({ offset: patch.offset + start, data });
  }
  return pieces;
}
