import fs from "node:fs";
import { dirname, join } from "node:path";
import { openReplayTarget } from "../../src/api/replay-target.ts";
import { TemporaryTree } from "../../src/disk/temporary-tree.ts";
import {
  type ReplayOptions,
  type ReplayRow,
  type ReplayStrategy,
  type ReplayTarget,
  replayTrace,
} from "../../src/engines/trace/replay-trace.ts";
import type { Trace } from "../../src/engines/trace/trace.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { recordRealTraces } from "./real-traces.ts";
import { fsyncDirectory, safeFiles } from "./safe-files.ts";
import type { Scale } from "./scenario.ts";

const header = [
  "real trace",
  "operations",
  "commits",
  "calls, plain / optimised",
  "fewer",
  "ms, safe plain code / overlay / optimised",
  "of which engines",
  "optimising adds (wanted: < 5 %)",
  "decisions",
  "right / needless for the commits",
  "right / needless on the overlay",
];

/**
 * Replays the real traces: by safe plain code on the disk, plainly on an overlay and through
 * the optimiser, the last two with commits; and judges the decisions. Times are medians of the
 * rounds, but for safe plain code, which runs once.
 */
export async function traceSection(
  place: Place,
  scale: Scale & { readonly rounds: number },
): Promise<string> {
  const directory = fs.mkdtempSync(join(place.directory, "traces-"));
  const rows: string[][] = [];
  let safeMs = 0;
  for (const trace of recordRealTraces(directory, scale)) {
    if ("missing" in trace) {
      rows.push([
        trace.name,
        `not recorded: ${trace.missing}`,
        ...Array(header.length - 2).fill(""),
      ]);
      continue;
    }
    const open = (_strategy: unknown, base: Trace["base"]) => openReplayTarget(base, { directory });
    // The first one to run would pay for the warming up of code that both run.
    await replayTrace(trace.text, {
      open: async (strategy, base) => withoutCommits(await open(strategy, base)),
    });
    place.measuring(true);
    if (!trace.isRepeated) safeMs = await replaySafely(trace.text, directory);
    const { plain, optimized, ms } = await replayInTurn(trace.text, open, scale.rounds);
    place.measuring(false);
    const { hindsight, overlayHindsight } = optimized;
    const share = (value: number) => `${(value * 100).toFixed(1)} %`;
    rows.push([
      trace.name,
      String(optimized.operations),
      String(optimized.commits),
      `${plain.calls} / ${optimized.calls}`,
      `${((1 - optimized.calls / Math.max(1, plain.calls)) * 100).toFixed(0)} %`,
      [safeMs, ms.plain, ms.optimized].map(figure).join(" / "),
      `${figure(ms.plainEngines)} / ${figure(ms.optimizedEngines)}`,
      share((ms.optimizedEngines - ms.plainEngines) / ms.plain),
      Object.entries(optimized.chosen)
        .map(([strategy, count]) => `${strategy} ${count}`)
        .join(", "),
      `${share(hindsight.rightShare)} / ${share(hindsight.needlessShare)}`,
      `${share(overlayHindsight?.rightShare ?? 0)} / ${share(overlayHindsight?.needlessShare ?? 1)}`,
    ]);
  }
  fs.rmSync(directory, { recursive: true });
  return markdownTable(header, rows);
}

interface InTurn {
  readonly plain: ReplayRow;
  readonly optimized: ReplayRow;
  /** Medians; those of the engines without the commits. */
  readonly ms: Readonly<
    Record<"plain" | "optimized" | "plainEngines" | "optimizedEngines", number>
  >;
}

/** Both strategies on overlays, each first in every second round. */
async function replayInTurn(
  text: string,
  open: ReplayOptions["open"],
  rounds: number,
): Promise<InTurn> {
  const samples: Record<ReplayStrategy, ReplayRow[]> = { plain: [], optimized: [] };
  for (let round = 0; round < rounds; round++) {
    const inOrder = ["plain", "optimized"] as const;
    const strategies = round % 2 === 0 ? inOrder : inOrder.toReversed();
    for (const row of await replayTrace(text, { open, strategies })) {
      samples[row.strategy].push(row);
    }
  }
  const [plain, optimized] = [samples.plain[0], samples.optimized[0]];
  if (!plain || !optimized) throw new Error("a strategy is missing");
  const median = (rows: readonly ReplayRow[], pick: (row: ReplayRow) => number) =>
    medianOf(rows.map(pick));
  const whole = ({ durationMs }: ReplayRow) => durationMs;
  const engines = ({ durationMs, commitMs }: ReplayRow) => durationMs - commitMs;
  const ms = {
    plain: median(samples.plain, whole),
    optimized: median(samples.optimized, whole),
    plainEngines: median(samples.plain, engines),
    optimizedEngines: median(samples.optimized, engines),
  };
  return { plain, optimized, ms };
}

async function replaySafely(text: string, directory: string): Promise<number> {
  const [safe] = await replayTrace(text, {
    strategies: ["plain"],
    open: async (_strategy, base) => openSafely(base, directory),
  });
  return safe?.durationMs ?? Number.NaN;
}

function withoutCommits(target: ReplayTarget): ReplayTarget {
  return { ...target, commit: async () => undefined, close: () => target.close() };
}

/** The disk itself, on which every single change is made durable as a careful person would. */
function openSafely(base: Trace["base"], directory: string): ReplayTarget {
  const tree = new TemporaryTree(base, directory);
  const changed: Partial<typeof fs> = {
    writeFileSync: (path, content) => safeFiles.write(String(path), content as Uint8Array),
    unlinkSync: (path) => safeFiles.remove(String(path)),
    renameSync(source, target) {
      fs.renameSync(source, target);
      fsyncDirectory(dirname(String(target)));
    },
  };
  const safely = { ...fs, ...changed };
  const { root } = tree;
  return {
    overlay: { root, fs: safely, savepoint: () => 0, rollback: () => {}, release: () => {} },
    commit: async () => undefined,
    close: async () => tree[Symbol.dispose](),
  };
}
