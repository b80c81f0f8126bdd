import type { DecisionRecord } from "./write-pipeline.ts";

/** What a decision turned out to be. */
export type Verdict =
  /** Optimised, and it saved calls, bytes or flushes; or left alone, and nothing could be saved. */
  | "right"
  /** Optimised, and it saved nothing. */
  | "needless"
  /** Left alone, although company of its commit could have saved something. */
  | "missed";

/** How good decisions were. */
export interface HindsightSummary {
  readonly decisions: number;
  readonly right: number;
  readonly needless: number;
  readonly missed: number;
  /** Shares of all decisions, 0 to 1; 1 and 0 when there were none. */
  readonly rightShare: number;
  readonly needlessShare: number;
}

/**
 * Flushes that one commit costs, whatever its size (journal, pack, directory), and those that safe
 * code pays for every file (the file, its directory).
 */
const commitFlushes = 3;
const fileFlushes = 2;

/**
 * Judges the decisions of one commit, when all of it is known: optimising an operation was worth it
 * if it saved calls or bytes, or if its commit holds so many files that flushing them together is
 * cheaper than each alone.
 */
export function judge(decisions: readonly DecisionRecord[]): Verdict[] {
  const files = new Set(decisions.map(({ path }) => path)).size;
  const perFile = countsOf(decisions);
  const sharesFlushes = files * fileFlushes > commitFlushes;
  return decisions.map(({ path, features, decision, callsSaved, bytesSaved }) => {
    const couldSaveCalls =
      callsSaved > 0 ||
      bytesSaved > 0 ||
      (perFile.get(path) ?? 1) > 1 ||
      features.edits > 1 ||
      features.isIdentical;
    const isWorthIt = couldSaveCalls || sharesFlushes;
    if (decision.strategy === "standard") return isWorthIt ? "missed" : "right";
    return isWorthIt ? "right" : "needless";
  });
}

/** Adds verdicts up. */
export function summarize(verdicts: readonly Verdict[]): HindsightSummary {
  const count = (wanted: Verdict) => verdicts.filter((verdict) => verdict === wanted).length;
  const [right, needless, missed] = [count("right"), count("needless"), count("missed")];
  const decisions = verdicts.length;
  return {
    decisions,
    right,
    needless,
    missed,
    rightShare: decisions === 0 ? 1 : right / decisions,
    needlessShare: decisions === 0 ? 0 : needless / decisions,
  };
}

function countsOf(decisions: readonly DecisionRecord[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { path } of decisions) counts.set(path, (counts.get(path) ?? 0) + 1);
  return counts;
}
