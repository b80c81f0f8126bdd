import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { structuredPatch } from "diff";
import { textHunksOf } from "../../src/commit/patch/text-hunks.ts";
import { type Contestant, interleave } from "../lib/interleave.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { makeTextFiles } from "../lib/text-files.ts";

/** What is done to the lines of each file. */
const changes: Readonly<Record<string, (line: string, at: number) => string>> = {
  "one line in fifty": (line, at) => (at % 50 === 0 ? `${line} // new` : line),
  "every third line": (line, at) => (at % 3 === 0 ? `  ${line}` : line),
  "every line": (line) => `  ${line}`,
};

/** The library alone takes a second for a file whose every line has changed. */
const budgetMs = 15_000;

/** Files that are put together to one, so that each has some thousand lines. */
const partsOfFile = 25;

/**
 * What it takes to show how texts differ, which `status`, `diff` and every summary do: our hunks,
 * those of the library alone, and git's, which reads both trees from the disk in one process.
 */
export async function measureDifferences(
  place: Place,
  options: { readonly files: number; readonly rounds: number },
): Promise<string> {
  const texts = textsOf(options.files);
  const rows: string[][] = [];
  for (const [name, change] of Object.entries(changes)) {
    const pairs = texts.map((old) => ({ old, new: old.split("\n").map(change).join("\n") }));
    const contestants = contestantsOf(place, pairs);
    const samples = await interleave(contestants, { rounds: options.rounds, budgetMs });
    const medians = [...samples.values()].map(medianOf);
    const ours = medians[0] ?? Number.NaN;
    rows.push([name, figure(ours), ...medians.slice(1).map((ms) => `${figure(ms / ours)} ×`)]);
  }
  const lines = texts.map((text) => text.split("\n").length);
  const title = `${texts.length} files of ${Math.min(...lines)} to ${Math.max(...lines)} lines`;
  return `${title}\n\n${markdownTable(["changed", "draftfs, ms", "`diff` alone", "git"], rows)}`;
}

interface Pair {
  readonly old: string;
  readonly new: string;
}

function textsOf(files: number): string[] {
  const parts = makeTextFiles(files * partsOfFile, 1).map(({ text }) => text);
  return Array.from({ length: files }, (_, at) =>
    parts.slice(at * partsOfFile, (at + 1) * partsOfFile).join(""),
  );
}

function contestantsOf(place: Place, pairs: readonly Pair[]): Contestant[] {
  const bytes = pairs.map((pair) => ({ old: Buffer.from(pair.old), new: Buffer.from(pair.new) }));
  const trees = { old: join(place.directory, "old"), new: join(place.directory, "new") };
  for (const side of ["old", "new"] as const) {
    fs.rmSync(trees[side], { recursive: true, force: true });
    fs.mkdirSync(trees[side]);
    for (const [at, pair] of bytes.entries())
      fs.writeFileSync(join(trees[side], `${at}`), pair[side]);
  }
  return [
    timed("draftfs", () => {
      for (const pair of bytes) textHunksOf(pair.old, pair.new);
    }),
    timed("diff", () => {
      for (const pair of pairs) structuredPatch("", "", pair.old, pair.new, "", "", { context: 3 });
    }),
    timed("git", () => {
      const command = ["diff", "--no-index", trees.old, trees.new];
      try {
        execFileSync("git", command, { stdio: "ignore" });
      } catch (error) {
        // It ends with 1 where there are differences.
        if ((error as { status?: number }).status !== 1) throw error;
      }
    }),
  ];
}

function timed(name: string, work: () => void): Contestant {
  return {
    name,
    async measure() {
      const start = performance.now();
      work();
      return performance.now() - start;
    },
  };
}
