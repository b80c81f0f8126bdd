import { checkOptions } from "../../check-options.ts";
import { DraftError } from "../../errors.ts";
import { callsOf, type IoCounts } from "../../metrics/measurement.ts";
import {
  type HindsightSummary,
  judge,
  judgeOnOverlay,
  type OverlayCost,
  summarize,
  type Verdict,
} from "../optimizer/hindsight.ts";
import { explain } from "../optimizer/optimizer.ts";
import {
  type DecisionRecord,
  type FlushResult,
  WritePipeline,
} from "../optimizer/write-pipeline.ts";
import type { OptimizerSettings } from "../optimizer-settings.ts";
import { replayNames } from "../option-names.ts";
import type { EngineOverlay } from "../overlay-port.ts";
import { runPlain } from "../run-plain.ts";
import { TemplateCache } from "../template/template-cache.ts";
import { parseTrace, type Trace, type TracedOperation } from "./trace.ts";

/** How a trace is run again. */
export type ReplayStrategy = "plain" | "optimized";

/** Where a strategy is replayed: a tree of its own, that holds the trace's base files. */
export interface ReplayTarget {
  readonly overlay: EngineOverlay;
  /** Called after the operations of each commit. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

/** What one strategy took. */
export interface ReplayRow {
  readonly strategy: ReplayStrategy;
  readonly operations: number;
  readonly commits: number;
  readonly durationMs: number;
  /** The part of it that the commits took, which is the same work whatever the strategy. */
  readonly commitMs: number;
  readonly io: IoCounts;
  /** Reads, writes, deletions and moves together. */
  readonly calls: number;
  /** Decisions by strategy chosen; empty for the plain one. */
  readonly chosen: Readonly<Record<string, number>>;
  /** Reasons with how often each was given, the commonest first. */
  readonly reasons: readonly (readonly [reason: string, count: number])[];
  /**
   * How good the decisions were for their commits, against safe plain code that flushes every file;
   * all `right` for the plain strategy, which takes none.
   */
  readonly hindsight: HindsightSummary;
  /**
   * How good they were on the overlay alone, against the plain strategy of the same replay;
   * `undefined` when that was not run before.
   */
  readonly overlayHindsight: HindsightSummary | undefined;
}

export interface ReplayOptions {
  readonly strategies?: readonly ReplayStrategy[];
  /** For the optimising strategies; what is left out is as the overlay of `open` has it. */
  readonly settings?: Partial<OptimizerSettings>;
  /** Stops it between two commits. */
  readonly signal?: AbortSignal;
  /** Called after every commit. */
  readonly onProgress?: (strategy: ReplayStrategy, commits: number, commitsInAll: number) => void;
  /** Opens a tree with these files in it. */
  open(strategy: ReplayStrategy, base: Trace["base"]): Promise<ReplayTarget>;
}

/**
 * Runs a recorded trace again, under each strategy in a tree of its own.
 *
 * @param recorded a trace, or its text as `recordTrace` and `diff.toTrace()` give it.
 * @throws {DraftError} `DRAFT_TOOL_INPUT` for text that is no trace; `DRAFT_ABORTED` on the signal;
 *   what an operation throws.
 */
export async function replayTrace(
  recorded: string | Trace,
  options: ReplayOptions,
): Promise<ReplayRow[]> {
  checkOptions("replayTrace", options, replayNames);
  const trace = typeof recorded === "string" ? parseTrace(recorded) : recorded;
  const rows: ReplayRow[] = [];
  let plain: readonly OverlayCost[] | undefined;
  for (const strategy of options.strategies ?? (["plain", "optimized"] as const)) {
    const target = await options.open(strategy, trace.base);
    try {
      const { row, costs } = await replayOn(target, trace, strategy, options, plain);
      if (strategy === "plain") plain = costs;
      rows.push(row);
    } finally {
      await target.close();
    }
  }
  return rows;
}

async function replayOn(
  target: ReplayTarget,
  trace: Trace,
  strategy: ReplayStrategy,
  options: ReplayOptions,
  plain: readonly OverlayCost[] | undefined,
): Promise<{ readonly row: ReplayRow; readonly costs: readonly OverlayCost[] }> {
  const io = { reads: 0, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 };
  const decisions: DecisionRecord[] = [];
  const verdicts: Verdict[] = [];
  const overlayVerdicts: Verdict[] = [];
  const costs: OverlayCost[] = [];
  const templates = new TemplateCache();
  const add = (part: IoCounts) => {
    io.reads += part.reads;
    io.writes += part.writes;
    io.deletes += part.deletes;
    io.moves += part.moves;
    io.bytesWritten += part.bytesWritten;
  };
  let [commitMs, judgingMs] = [0, 0];
  const startedAt = performance.now();
  for (const [index, commit] of trace.commits.entries()) {
    stopIfAborted(options.signal);
    const [begunAt, callsBefore] = [performance.now(), callsOf(io)];
    let decided: DecisionRecord[] = [];
    if (strategy === "plain") {
      for (const { operation } of commit) add(runPlain(target.overlay, operation));
    } else {
      const results = replayOptimized(target.overlay, commit, templates, options.settings);
      for (const { io: part } of results) add(part);
      decided = results.flatMap((result) => result.decisions);
    }
    // Judging is no part of the work: it comes when the time was taken.
    const doneAt = performance.now();
    const cost = { ms: doneAt - begunAt, calls: callsOf(io) - callsBefore };
    costs.push(cost);
    decisions.push(...decided);
    // Judged over the whole commit, of which the decisions saw a window each.
    verdicts.push(...judge(decided));
    const standard = plain?.[index];
    if (standard !== undefined) overlayVerdicts.push(...judgeOnOverlay(decided, standard, cost));
    const judgedAt = performance.now();
    judgingMs += judgedAt - doneAt;
    await target.commit();
    commitMs += performance.now() - judgedAt;
    options.onProgress?.(strategy, index + 1, trace.commits.length);
  }
  const row: ReplayRow = {
    strategy,
    operations: trace.commits.reduce((sum, commit) => sum + commit.length, 0),
    commits: trace.commits.length,
    durationMs: performance.now() - startedAt - judgingMs,
    commitMs,
    io,
    calls: callsOf(io),
    chosen: Object.fromEntries(countsOf(decisions.map(({ decision }) => decision.strategy))),
    reasons: countsOf(decisions.map(({ decision }) => explain(decision))).slice(0, 20),
    hindsight: summarize(verdicts),
    overlayHindsight: plain === undefined ? undefined : summarize(overlayVerdicts),
  };
  return { row, costs };
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new DraftError("DRAFT_ABORTED", "The replay was stopped.", { cause: signal.reason });
}

/** Submits operations at the times at which they were recorded. */
function replayOptimized(
  overlay: EngineOverlay,
  commit: readonly TracedOperation[],
  templates: TemplateCache,
  settings: Partial<OptimizerSettings> | undefined,
): FlushResult[] {
  let nowMs = 0;
  const pipeline = new WritePipeline(overlay, {
    insideBatch: true,
    templates,
    now: () => nowMs,
    ...(settings === undefined ? {} : { settings }),
  });
  const results: FlushResult[] = [];
  for (const { atMs, operation } of commit) {
    nowMs = atMs;
    results.push(...pipeline.submit(operation));
  }
  results.push(pipeline.flush());
  return results;
}

function countsOf(values: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** The rows side by side, as a table for a terminal. */
export function replayTable(rows: readonly ReplayRow[]): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const onOverlay = (share: (summary: HindsightSummary) => number) =>
    rows.map(({ overlayHindsight }) =>
      overlayHindsight === undefined ? "–" : percent(share(overlayHindsight)),
    );
  const lines: string[][] = [
    ["", ...rows.map(({ strategy }) => strategy)],
    ["operations", ...rows.map(({ operations }) => String(operations))],
    ["commits", ...rows.map(({ commits }) => String(commits))],
    ["time", ...rows.map(({ durationMs }) => `${durationMs.toFixed(1)} ms`)],
    ["of that, commits", ...rows.map(({ commitMs }) => `${commitMs.toFixed(1)} ms`)],
    ["reads", ...rows.map(({ io }) => String(io.reads))],
    ["writes", ...rows.map(({ io }) => String(io.writes))],
    ["deletions, moves", ...rows.map(({ io }) => String(io.deletes + io.moves))],
    ["calls", ...rows.map(({ calls }) => String(calls))],
    ["bytes written", ...rows.map(({ io }) => String(io.bytesWritten))],
    ["right for the commits", ...rows.map(({ hindsight }) => percent(hindsight.rightShare))],
    ["needless for them", ...rows.map(({ hindsight }) => percent(hindsight.needlessShare))],
    ["right on the overlay", ...onOverlay(({ rightShare }) => rightShare)],
    ["needless on it", ...onOverlay(({ needlessShare }) => needlessShare)],
  ];
  const widths = lines[0]?.map((_cell, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const table = lines.map((line) =>
    line
      .map((cell, column) => {
        const width = widths?.[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
  const chosen = rows.flatMap(({ strategy, reasons }) =>
    reasons.map(([reason, count]) => `${strategy}: ${count} × ${reason}`),
  );
  return `${[...table, ...(chosen.length > 0 ? ["", ...chosen] : [])].join("\n")}\n`;
}
