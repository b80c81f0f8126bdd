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
