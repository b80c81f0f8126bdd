import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Place } from "../lib/place.ts";
import { figure } from "../lib/samples.ts";
import { type CallCounts, countSystemCalls, isFileCall, syncCalls } from "../lib/system-calls.ts";
import { markdownTable } from "../lib/table.ts";
import type { WorkKind } from "./method.ts";
import { methods } from "./methods/index.ts";
import { prepareWork } from "./work-tree.ts";

/** Whether the calls of a program can be counted here. */
export function hasStrace(): boolean {
  return spawnSync("strace", ["-V"], { stdio: "ignore" }).status === 0;
}

export interface CallsResult {
  readonly key: string;
  /** fsync, fdatasync, syncfs… before the method said that it was done, and after. */
  readonly syncsDuring: number;
  readonly syncsAfter: number;
  /** File system calls for each further file. */
  readonly perFile: number;
  /** The most frequent of them, per file. */
  readonly main: Readonly<Record<string, number>>;
}

/** Counts the system calls of a method for one file and for many; the difference is per file. */
export function countCalls(place: Place, key: string, kind: WorkKind, files: number): CallsResult {
  const one = callsFor(place, key, kind, 1);
  const many = callsFor(place, key, kind, files);
  const names = [...many.during.keys()].filter(isFileCall);
  const perFile = (name: string) =>
    ((many.during.get(name) ?? 0) - (one.during.get(name) ?? 0)) / (files - 1);
  const main = names
    .map((name) => [name, perFile(name)] as const)
    .filter(([, each]) => each >= 0.1);
  return {
    key,
    syncsDuring: syncsIn(many.during),
    syncsAfter: syncsIn(many.after),
    perFile: names.reduce((sum, name) => sum + perFile(name), 0),
    main: Object.fromEntries(main.sort(([, left], [, right]) => right - left)),
  };
}

function syncsIn(counts: CallCounts): number {
  return syncCalls.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
}

let version = 0;

function callsFor(place: Place, key: string, kind: WorkKind, files: number) {
  version += 1;
  const root = join(place.directory, `traced-${version}`);
  prepareWork(root, kind, files, version);
  const program = fileURLToPath(new URL("./method-program.js", import.meta.url));
  const marker = `/marker-of-bench-${version}`;
  try {
    return countSystemCalls(
      [process.execPath, program, key, root, kind, String(files), String(version), marker],
      marker,
    );
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}

export function callsTable(results: readonly CallsResult[]): string {
  const rows = results.map(({ key, syncsDuring, syncsAfter, perFile, main }) => [
    methods[key]?.name ?? key,
    String(syncsDuring),
    String(syncsAfter),
    figure(perFile),
    Object.entries(main)
      .slice(0, 8)
      .map(([name, each]) => `${name} ${figure(each)}`)
      .join(", "),
  ]);
  const header = ["", "syncs before the return", "after", "file calls per file", "mainly"];
  return markdownTable(header, rows);
}
