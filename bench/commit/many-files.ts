import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { type Contestant, interleave } from "../lib/interleave.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf, type Samples } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { ContestantProcess } from "./contestant-process.ts";
import type { WorkKind } from "./method.ts";
import { methods } from "./methods/index.ts";
import { checkWork, prepareWork } from "./work-tree.ts";

/** One size and kind of work on one place, by every method that can do it. */
export interface ManyFilesOptions {
  readonly work: WorkKind;
  readonly files: number;
  readonly rounds: number;
  /** No more samples of a method that has taken this long. */
  readonly budgetMs: number;
  /** Whether a first round is forgotten. */
  readonly warmUp: boolean;
  /** Keys of the methods to measure. */
  readonly keys: readonly string[];
}

export interface ManyFilesResult {
  readonly place: string;
  readonly work: WorkKind;
  readonly files: number;
  /** Milliseconds by method key. */
  readonly samples: Readonly<Record<string, Samples>>;
  /** Milliseconds of the first time in a process by method key, where it was not the only one. */
  readonly first: Readonly<Record<string, number>>;
  /** Flushes of the device by method key, median; absent where the device does not tell. */
  readonly flushes: Readonly<Record<string, number>>;
}

let version = 0;

export async function measureManyFiles(
  place: Place,
  options: ManyFilesOptions,
): Promise<ManyFilesResult> {
  const flushSamples = new Map<string, number[]>();
  const first = new Map<string, number>();
  const processes: ContestantProcess[] = [];
  const contestants: Contestant[] = [];
  for (const key of options.keys) {
    const method = methods[key];
    if (method === undefined) throw new Error(`${key} is none of ${Object.keys(methods)}.`);
    if (!method.kinds.includes(options.work)) continue;
    const contestant = new ContestantProcess(key, method);
    processes.push(contestant);
    const measure = async (round: number) => {
      version += 1;
      const root = join(place.directory, `tree-${version}`);
      const { work, files } = options;
      const prepared = prepareWork(root, work, files, version);
      await contestant.ask({ kind: "open", root, work, files, version });
      execFileSync("sync", ["-f", root]);
      place.measuring(true);
      const flushesBefore = place.flushes();
      const elapsedMs = await contestant.ask({ kind: "run" });
      const flushes = place.flushes() - flushesBefore;
      place.measuring(false);
      await contestant.ask({ kind: "close" });
      checkWork(prepared);
      fs.rmSync(root, { recursive: true });
      execFileSync("sync", ["-f", place.directory]);
      if (round === 0) first.set(key, elapsedMs);
      if (round > 0) flushSamples.set(key, [...(flushSamples.get(key) ?? []), flushes]);
      return elapsedMs;
    };
    contestants.push({ name: key, measure });
  }
  const samples = await interleave(contestants, options).finally(() =>
    Promise.all(processes.map((contestant) => contestant[Symbol.asyncDispose]())),
  );
  return {
    place: place.name,
    work: options.work,
    files: options.files,
    samples: Object.fromEntries(samples),
    first: Object.fromEntries(first),
    flushes: Object.fromEntries([...flushSamples].map(([key, counts]) => [key, medianOf(counts)])),
  };
}

/** Medians in milliseconds, one column per number of files, and the last one in times of ours. */
export function tableOf(results: readonly ManyFilesResult[], ours: string): string {
  const header = [
    "ms",
    ...results.map(({ files }) => `N = ${files}`),
    "at the last N: ratio to ours",
  ];
  const last = results.at(-1);
  const rows = Object.entries(methods).flatMap(([key, method]) => {
    const medians = results.map(({ samples }) => medianOf(samples[key] ?? []));
    if (medians.every(Number.isNaN)) return [];
    const own = medianOf(last?.samples[ours] ?? []);
    return [
      [method.name, ...medians.map(figure), `${figure((medians.at(-1) ?? Number.NaN) / own)} ×`],
    ];
  });
  return markdownTable(header, rows);
}

/** What a process needs that does the work for the first time: one sample of each. */
export function firstTable(results: readonly ManyFilesResult[]): string {
  const header = ["ms, the first time in a process", ...results.map(({ files }) => `N = ${files}`)];
  const rows = Object.entries(methods).flatMap(([key, { name }]) => {
    const times = results.map(({ first }) => first[key] ?? Number.NaN);
    return times.every(Number.isNaN) ? [] : [[name, ...times.map(figure)]];
  });
  return markdownTable(header, rows);
}
