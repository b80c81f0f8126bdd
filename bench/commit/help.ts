import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { projectDirectory } from "../../test/support/project-directory.ts";
import { installedSizeTable } from "../lib/installed-size.ts";
import { type Contestant, interleave } from "../lib/interleave.ts";
import { figure, leastOf, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";

/**
 * How long the command line takes to say how it is used, beside Node's own start, and how much an
 * installation brings along.
 */
export async function measureHelp(rounds: number): Promise<string> {
  const program = join(projectDirectory(), "dist/main.js");
  if (!fs.existsSync(program)) return "_Not built: `npm run build` first._";
  const contestants = [
    nodeProcess("node -e 0", ["-e", "0"]),
    nodeProcess("draftfs --help", [program, "--help"]),
  ];
  const samples = await interleave(contestants, { rounds });
  const medians = contestants.map(({ name }) => medianOf(samples.get(name) ?? []));
  const rows = contestants.map(({ name }, index) => [
    name,
    figure(medians[index] ?? Number.NaN),
    figure(leastOf(samples.get(name) ?? [])),
  ]);
  const beside = (medians[1] ?? Number.NaN) - (medians[0] ?? Number.NaN);
  const times = markdownTable(["", "median ms", "least ms"], rows);
  return `${times}\n\nBeside Node: ${figure(beside)} ms.\n\n${installedSizeTable()}`;
}

function nodeProcess(name: string, args: readonly string[]): Contestant {
  return {
    name,
    async measure() {
      const start = performance.now();
      execFileSync(process.execPath, args, { stdio: "ignore" });
      return performance.now() - start;
    },
  };
}
