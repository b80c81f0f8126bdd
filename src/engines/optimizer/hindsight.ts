import type { Decision } from "./optimizer.ts";
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
    if (isLeftAlone(decision)) {
      // What waits for a commit has its flushes shared by that, and misses nothing of them.
      return couldSaveCalls || (sharesFlushes && !features.isHeld) ? "missed" : "right";
    }
    return couldSaveCalls || sharesFlushes ? "right" : "needless";
  });
}

/** What the engines took for one commit, without the commit itself. */
export interface OverlayCost {
  readonly calls: number;
  readonly ms: number;
}

/**
 * Judges the decisions of one commit against the standard path on the same overlay, as the same
 * replay measured both: what the commit then saves in flushes does not count here. Optimising was
 * right if it saved calls or bytes, or at least took no longer than the standard path; it was
 * needless if it took longer for nothing.
 */
export function judgeOnOverlay(
  decisions: readonly DecisionRecord[],
  plain: OverlayCost,
  optimized: OverlayCost,
): Verdict[] {
  const perFile = countsOf(decisions);
  const isNoSlower = optimized.ms <= plain.ms && optimized.calls <= plain.calls;
  return decisions.map(({ path, features, decision, callsSaved, bytesSaved }) => {
    if (isLeftAlone(decision)) {
      const couldSave = (perFile.get(path) ?? 1) > 1 || features.edits > 1 || features.isIdentical;
      return couldSave ? "missed" : "right";
    }
    return callsSaved > 0 || bytesSaved > 0 || isNoSlower ? "right" : "needless";
  });
}

/** Whether no engine had anything to do with it. */
function isLeftAlone({ strategy }: Decision): boolean {
  return strategy === "standard" || strategy === "commit";
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
