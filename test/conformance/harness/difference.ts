import { isDeepStrictEqual } from "node:util";
import type { Step } from "./recorder.ts";
import type { Tree } from "./tree.ts";

/** One place where two runs part. */
export interface Difference {
  readonly at: string;
  readonly expected: unknown;
  readonly got: unknown;
}

/** What a program saw and what it left behind. */
export interface Outcome {
  readonly steps: readonly Step[];
  readonly tree: Tree;
}

/** All differences of two outcomes: steps first, then the resulting trees. */
export function differencesOf(expected: Outcome, got: Outcome): Difference[] {
  return [
    ...stepDifferences(expected.steps, got.steps),
    ...treeDifferences(expected.tree, got.tree),
  ];
}

function stepDifferences(expected: readonly Step[], got: readonly Step[]): Difference[] {
  const found: Difference[] = [];
  for (let index = 0; index < Math.max(expected.length, got.length); index++) {
    const left = expected[index];
    const right = got[index];
    if (isDeepStrictEqual(left, right)) continue;
    const sameCall = left?.call === right?.call && isDeepStrictEqual(left?.given, right?.given);
    found.push({
      at: `step ${index + 1}: ${left?.call ?? right?.call}(${JSON.stringify(left?.given)})`,
      expected: sameCall ? left?.result : left,
      got: sameCall ? right?.result : right,
    });
  }
  return found;
}

/** Differences of two trees, path by path, showing only the fields that differ. */
export function treeDifferences(expected: Tree, got: Tree): Difference[] {
  const found: Difference[] = [];
  for (const path of [...new Set([...Object.keys(expected), ...Object.keys(got)])].sort()) {
    const left = expected[path];
    const right = got[path];
    if (isDeepStrictEqual(left, right)) continue;
    if (left === undefined || right === undefined) {
      found.push({ at: `tree: ${path}`, expected: left ?? "nothing", got: right ?? "nothing" });
      continue;
    }
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter(
      (key) => !isDeepStrictEqual(left[key], right[key]),
    );
    const pick = (node: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(keys.map((key) => [key, node[key]]));
    found.push({ at: `tree: ${path}`, expected: pick(left), got: pick(right) });
  }
  return found;
}
