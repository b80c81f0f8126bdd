import fs from "node:fs";
import { join } from "node:path";
import { openReplayTarget } from "../../src/api/replay-target.ts";
import { replayTrace } from "../../src/engines/replay-trace.ts";
import type { Place } from "../lib/place.ts";
import { figure } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { recordRealTraces } from "./real-traces.ts";
import type { Scale } from "./scenario.ts";

/** Replays the four real traces, plainly and optimised, with commits, and judges the decisions. */
export async function traceSection(place: Place, scale: Scale): Promise<string> {
  const directory = fs.mkdtempSync(join(place.directory, "traces-"));
  const rows: string[][] = [];
  for (const trace of recordRealTraces(directory, scale)) {
    if ("missing" in trace) {
      rows.push([trace.name, `not recorded: ${trace.missing}`, ...Array(7).fill("")]);
      continue;
    }
    const [plain, optimized] = await replayTrace(trace.text, {
      open: (_strategy, base) => openReplayTarget(base, { directory }),
    });
    if (plain === undefined || optimized === undefined) throw new Error("a strategy is missing");
    const { hindsight } = optimized;
    rows.push([
      trace.name,
      String(optimized.operations),
      String(optimized.commits),
      `${plain.calls} / ${optimized.calls}`,
      `${((1 - optimized.calls / Math.max(1, plain.calls)) * 100).toFixed(0)} %`,
      `${figure(plain.durationMs)} / ${figure(optimized.durationMs)}`,
      Object.entries(optimized.chosen)
        .map(([strategy, count]) => `${strategy} ${count}`)
        .join(", "),
      `${(hindsight.rightShare * 100).toFixed(1)} %`,
      `${(hindsight.needlessShare * 100).toFixed(1)} %`,
    ]);
  }
  fs.rmSync(directory, { recursive: true });
  const header = [
    "real trace, plain / optimised",
    "operations",
    "commits",
    "calls on the overlay",
    "fewer",
    "ms with commits",
    "decisions",
    "right",
    "needless",
  ];
  return markdownTable(header, rows);
}
