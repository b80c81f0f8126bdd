/**
 * The overlay benchmark: `npm run bench:overlay [-- --only TEXT --rounds N --scale N --peers NAME]`.
 * Prints a table in Markdown; raw figures go to `bench/results/`.
 */
import { execFileSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchPlace } from "../lib/bench-place.ts";
import { describeFileSystem, describeMachine } from "../lib/machine.ts";
import { writeResults } from "../lib/results.ts";
import { figure, medianOf, type Samples } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { measureRow } from "./measure-row.ts";
import { type MemoryFinding, memoryRows } from "./memory-rows.ts";
import { isInstalled, type PeerName } from "./peers.ts";
import { type RenameTimes, renamePeers } from "./renames.ts";
import { rows } from "./rows.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "7" },
    scale: { type: "string", default: "1" },
    peers: { type: "string", multiple: true },
  },
});
const scale = Number(values.scale);
const names = [
  "node:fs",
  "draftfs",
  "memfs",
  "unionfs + memfs",
  "ZenFS CopyOnWrite",
  "just-bash OverlayFs",
];

const raw: Record<string, Record<string, Samples>> = {};
const table: string[][] = [];
for (const row of rows.filter((candidate) => candidate.name.includes(values.only))) {
  const samples = await measureRow(row, {
    scale,
    rounds: Number(values.rounds),
    budgetMs: 10_000,
    wallMs: 12_000,
    ...(values.peers ? { only: values.peers } : {}),
  });
  raw[row.name] = Object.fromEntries(samples);
  const medians = names.map((name) => medianOf(samples.get(name) ?? []));
  const [disk = Number.NaN, ours = Number.NaN] = medians;
  table.push([row.name, row.reach, ...medians.map(figure), figure(ours / disk)]);
  console.error(row.name);
}
const renamed = "rename of a directory of 10,000 files";
if (renamed.includes(values.only)) {
  const wanted = renamePeers.filter((name) => values.peers?.includes(name) ?? true);
  const found: Record<string, RenameTimes[]> = {};
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const name of wanted) {
      if (!(await isInstalled(name))) continue;
      found[name] = [...(found[name] ?? []), runRenames(name)];
    }
  }
  for (const [which, key] of [
    ["the first of a process", "firstMs"],
    ["median of the next ten", "nextMs"],
    ["median of twenty later ones", "laterMs"],
  ] as const) {
    const row = `${renamed}, ${which}`;
    const timesOf = (name: string) => (found[name] ?? []).map((times) => times[key]);
    raw[row] = Object.fromEntries(wanted.map((name) => [name, timesOf(name)]));
    const medians = names.map((name) => medianOf(timesOf(name)));
    const [disk = Number.NaN, ours = Number.NaN] = medians;
    table.push([row, "< 0.1 ms", ...medians.map(figure), figure(ours / disk)]);
  }
  console.error(renamed);
}
const findings: MemoryFinding[] = [];
const child = fileURLToPath(new URL("./memory-process.js", import.meta.url));
for (const name of Object.keys(memoryRows).filter((row) => row.includes(values.only))) {
  const output = execFileSync(process.execPath, ["--expose-gc", child, name, values.scale]);
  findings.push(...(JSON.parse(output.toString()) as MemoryFinding[]));
}
const report = [
  `${describeMachine()}; ${describeFileSystem(benchPlace())}. Medians of ${values.rounds} rounds, ms.`,
  markdownTable(["row", "reach", ...names, "draftfs / node:fs"], table),
  markdownTable(
    ["memory", "reach", "found"],
    findings.map(({ what, reach, value }) => [what, reach, value]),
  ),
].join("\n\n");
console.log(report);
writeResults("overlay.json", raw);
writeResults("overlay.md", `${report}\n`);

function runRenames(name: PeerName): RenameTimes {
  const program = fileURLToPath(new URL("./rename-process.js", import.meta.url));
  const output = execFileSync(process.execPath, ["--expose-gc", program, name, values.scale]);
  return JSON.parse(output.toString()) as RenameTimes;
}
