import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Contestant, interleave } from "../lib/interleave.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { type CallCounts, countSystemCalls, isFileCall, syncCalls } from "../lib/system-calls.ts";
import { markdownTable } from "../lib/table.ts";
import { type ContestantKey, contestantKeys, readyScenario } from "./contestants.ts";
import type { Scale } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

/** What one contestant took for one scenario. */
export interface ScenarioFigures {
  readonly medianMs: number;
  /** What came before the commit. */
  readonly engineMs: number;
  /** Absent where strace cannot be run. */
  readonly calls?: number;
  readonly syncs?: number;
  readonly reads?: number;
  readonly writes?: number;
  /** Bytes that the process grew by. */
  readonly peakBytes?: number;
}

const readCalls = ["read", "pread64", "readv", "preadv", "copy_file_range", "sendfile"];
const writeCalls = ["write", "pwrite64", "writev", "pwritev", "copy_file_range", "sendfile"];
let version = 0;

/** Measures every contestant on one scenario: time in turn, calls and memory in processes. */
export async function measureScenario(
  place: Place,
  name: string,
  options: Scale & { readonly rounds: number; readonly inProcesses: boolean },
): Promise<Readonly<Record<ContestantKey, ScenarioFigures>>> {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`There is no scenario ${name}.`);
  const engineSamples: Record<ContestantKey, number[]> = { unsafe: [], safe: [], draftfs: [] };
  const contestants = contestantKeys.map((key): Contestant => {
    const measure = async (round: number) => {
      const root = newRoot(place);
      const ready = await readyScenario(scenario, key, root, options);
      spawnSync("sync", ["-f", root]);
      place.measuring(true);
      const start = performance.now();
      const engineMs = await ready.run();
      const elapsedMs = performance.now() - start;
      place.measuring(false);
      if (round > 0) engineSamples[key].push(engineMs);
      await ready.close();
      fs.rmSync(root, { recursive: true });
      return elapsedMs;
    };
    return { name: key, measure };
  });
  // What takes a tenth of a millisecond is measured more often, and the rest until it is warm.
  const often = options.rounds * (scenario.onDisk ? 5 : 2);
  const rounds = scenario.isLarge ? Math.min(3, often) : often;
  const samples = await interleave(contestants, { rounds });
  const figures = (key: ContestantKey): ScenarioFigures => ({
    medianMs: medianOf(samples.get(key) ?? []),
    engineMs: medianOf(engineSamples[key]),
    ...(options.inProcesses ? measureProcess(place, name, key, options) : {}),
  });
  return { unsafe: figures("unsafe"), safe: figures("safe"), draftfs: figures("draftfs") };
}

function measureProcess(place: Place, name: string, key: ContestantKey, scale: Scale) {
  const program = fileURLToPath(new URL("./scenario-program.js", import.meta.url));
  const marker = `/marker-of-bench-engines-${version}`;
  const root = newRoot(place);
  const args = [program, name, key, root, String(scale.tiny), marker];
  const command = [process.execPath, "--expose-gc", ...args];
  const { during, printed } = countSystemCalls(command, marker);
  fs.rmSync(root, { recursive: true });
  const peakBytes = Number(printed);
  return {
    peakBytes,
    calls: [...during.keys()]
      .filter(isFileCall)
      .reduce((sum, call) => sum + count(during, call), 0),
    syncs: sumOf(during, syncCalls),
    reads: sumOf(during, readCalls),
    writes: sumOf(during, writeCalls),
  };
}

function newRoot(place: Place): string {
  version += 1;
  const root = join(place.directory, `scenario-${version}`);
  fs.mkdirSync(root);
  return root;
}

function sumOf(counts: CallCounts, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + count(counts, name), 0);
}

function count(counts: CallCounts, name: string): number {
  return counts.get(name) ?? 0;
}

/**
 * The table of section G for one place. I/O operations are all calls by which a program touches
 * files and devices, from the first to the last of the work, commit included: opening, reading,
 * writing, flushing, renaming and closing alike. Reads, writes and flushes alone stand beside them.
 */
export async function scenarioTable(
  place: Place,
  options: Scale & { readonly rounds: number; readonly only?: readonly string[] },
): Promise<string> {
  const rows: string[][] = [];
  for (const name of options.only ?? Object.keys(scenarios)) {
    const { unsafe, safe, draftfs } = await measureScenario(place, name, {
      ...options,
      inProcesses: true,
    });
    const three = (pick: (figures: ScenarioFigures) => number) =>
      [unsafe, safe, draftfs].map((figures) => figure(pick(figures))).join(" / ");
    // What the engine writes to the disk itself is as durable as plain code: like for like.
    const like = scenarios[name]?.onDisk ? unsafe : safe;
    const fewer = (pick: (figures: ScenarioFigures) => number | undefined) =>
      lessText(pick(like) ?? 0, pick(draftfs) ?? 0);
    rows.push([
      `${scenarios[name]?.name ?? name}${like === unsafe ? " (against unsafe)" : ""}`,
      three(({ medianMs }) => medianMs),
      like === unsafe ? "–" : figure(draftfs.engineMs),
      lessText(like.medianMs, draftfs.medianMs),
      `${figure(draftfs.medianMs / unsafe.medianMs)} ×`,
      three(({ calls }) => calls ?? Number.NaN),
      fewer(({ calls }) => calls),
      three(({ syncs }) => syncs ?? Number.NaN),
      fewer(({ syncs }) => syncs),
      three(({ reads }) => reads ?? Number.NaN),
      fewer(({ reads }) => reads),
      three(({ writes }) => writes ?? Number.NaN),
      fewer(({ writes }) => writes),
      three(({ peakBytes }) => (peakBytes ?? Number.NaN) / 1024 ** 2),
      fewer(({ peakBytes }) => peakBytes),
      scenarios[name]?.wanted ?? "",
    ]);
  }
  const header = [
    "unsafe / safe / draftfs",
    "ms",
    "of which engine",
    "less time than safe",
    "over unsafe",
    "I/O operations",
    "fewer",
    "flushes",
    "fewer",
    "reads",
    "fewer",
    "writes",
    "fewer",
    "peak MiB",
    "less",
    "wanted: time / I/O",
  ];
  return `### ${place.name}\n\n${markdownTable(header, rows)}`;
}

function lessText(baseline: number, ours: number): string {
  return baseline === 0 ? "–" : `${((1 - ours / baseline) * 100).toFixed(0)} %`;
}
