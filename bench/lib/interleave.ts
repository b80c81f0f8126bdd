import type { Samples } from "./samples.ts";

/** Something to be measured against others. */
export interface Contestant {
  readonly name: string;
  /** Does the work once, whatever of it is not to be counted included. @returns milliseconds. */
  measure(round: number): Promise<number>;
}

/**
 * Measures contestants in turn, a round at a time and each round starting with another one, so that
 * whatever else the machine does at the time falls upon all of them alike.
 *
 * @param options.rounds - samples of each; one round more is run first and forgotten.
 * @param options.budgetMs - a contestant that has used this much gets no further rounds.
 * @param options.wallMs - nor does one that has taken this long with everything that is not counted.
 */
export async function interleave(
  contestants: readonly Contestant[],
  options: {
    readonly rounds: number;
    readonly budgetMs?: number;
    readonly wallMs?: number;
    readonly warmUp?: boolean;
  },
): Promise<ReadonlyMap<string, Samples>> {
  const samples = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  const spentMs = new Map<string, number>();
  const takenMs = new Map<string, number>();
  const budgetMs = options.budgetMs ?? Number.POSITIVE_INFINITY;
  const wallMs = options.wallMs ?? Number.POSITIVE_INFINITY;
  const first = options.warmUp === false ? 1 : 0;
  for (let round = first; round <= options.rounds; round++) {
    for (let index = 0; index < contestants.length; index++) {
      const contestant = contestants[(index + round) % contestants.length] as Contestant;
      const { name } = contestant;
      const spent = spentMs.get(name) ?? 0;
      const taken = takenMs.get(name) ?? 0;
      if (spent > budgetMs || taken > wallMs) continue;
      const start = performance.now();
      const elapsedMs = await contestant.measure(round);
      takenMs.set(name, taken + performance.now() - start);
      spentMs.set(name, spent + elapsedMs);
      // A warm-up that used up everything is the only sample there will be.
      const isLast = elapsedMs > budgetMs || performance.now() - start > wallMs;
      if (round > 0 || isLast) samples.get(name)?.push(elapsedMs);
    }
  }
  return samples;
}
