import { callsOf, type IoCounts } from "../metrics/measurement.ts";
import { type HindsightSummary, judge, summarize, type Verdict } from "./hindsight.ts";
import { explain } from "./optimizer.ts";
import type { OptimizerSettings } from "./optimizer-settings.ts";
import type { EngineOverlay } from "./overlay-port.ts";
import { runPlain } from "./run-plain.ts";
import { TemplateCache } from "./template-cache.ts";
import { parseTrace, type Trace, type TracedOperation } from "./trace.ts";
import { type DecisionRecord, type FlushResult, WritePipeline } from "./write-pipeline.ts";

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
  /** How good the decisions were; all `right` for the plain strategy, which takes none. */
  readonly hindsight: HindsightSummary;
}

export interface ReplayOptions {
  readonly strategies?: readonly ReplayStrategy[];
  readonly settings?: OptimizerSettings;
  /** Opens a tree with these files in it. */
  open(strategy: ReplayStrategy, base: Trace["base"]): Promise<ReplayTarget>;
}

/**
 * Runs a recorded trace again, under each strategy in a tree of its own.
 *
 * @param recorded a trace, or its text as `recordTrace` and `diff.toTrace()` give it.
 * @throws {DraftError} `DRAFT_TOOL_INPUT` for text that is no trace; what an operation throws.
 */
export async function replayTrace(
  recorded: string | Trace,
  options: ReplayOptions,
): Promise<ReplayRow[]> {
  const trace = typeof recorded === "string" ? parseTrace(recorded) : recorded;
  const rows: ReplayRow[] = [];
  for (const strategy of options.strategies ?? (["plain", "optimized"] as const)) {
    const target = await options.open(strategy, trace.base);
    try {
      rows.push(await replayOn(target, trace, strategy, options.settings));
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
  settings: OptimizerSettings | undefined,
): Promise<ReplayRow> {
  const io = { reads: 0, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 };
  const decisions: DecisionRecord[] = [];
  const verdicts: Verdict[] = [];
  const templates = new TemplateCache();
  const add = (part: IoCounts) => {
    io.reads += part.reads;
    io.writes += part.writes;
    io.deletes += part.deletes;
    io.moves += part.moves;
    io.bytesWritten += part.bytesWritten;
  };
  let commitMs = 0;
  const startedAt = performance.now();
  for (const commit of trace.commits) {
    if (strategy === "plain") {
      for (const { operation } of commit) add(runPlain(target.overlay, operation));
    } else {
      const results = replayOptimized(target.overlay, commit, templates, settings);
      for (const { io: part } of results) add(part);
      const decided = results.flatMap((result) => result.decisions);
      decisions.push(...decided);
      // Judged over the whole commit, of which the decisions saw a window each.
      verdicts.push(...judge(decided));
    }
    const doneAt = performance.now();
    await target.commit();
    commitMs += performance.now() - doneAt;
  }
  return {
    strategy,
    operations: trace.commits.reduce((sum, commit) => sum + commit.length, 0),
    commits: trace.commits.length,
    durationMs: performance.now() - startedAt,
    commitMs,
    io,
    calls: callsOf(io),
    chosen: Object.fromEntries(countsOf(decisions.map(({ decision }) => decision.strategy))),
    reasons: countsOf(decisions.map(({ decision }) => explain(decision))).slice(0, 20),
    hindsight: summarize(verdicts),
  };
}

/** Submits operations at the times at which they were recorded. */
function replayOptimized(
  overlay: EngineOverlay,
  commit: readonly TracedOperation[],
  templates: TemplateCache,
  settings: OptimizerSettings | undefined,
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
    ["decisions right", ...rows.map(({ hindsight }) => percent(hindsight.rightShare))],
    ["decisions needless", ...rows.map(({ hindsight }) => percent(hindsight.needlessShare))],
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
