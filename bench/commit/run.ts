/**
 * The commit benchmark: `npm run bench:commit [-- --only SECTION,… --rounds N --tiny]`.
 * Prints tables in Markdown; raw figures go to `bench/results/`.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "../lib/machine.ts";
import { ownDisk, simulatedDisk } from "../lib/place.ts";
import { writeResults } from "../lib/results.ts";
import { type Section, sections } from "./sections.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(sections).join(",") },
    rounds: { type: "string", default: "5" },
    tiny: { type: "boolean", default: false },
  },
});

const inNamespace = "DRAFTFS_BENCH_NAMESPACE";

if (process.getuid?.() === 0 && process.env[inNamespace] === undefined) {
  // In a mount namespace of its own nobody else can hold on to the simulated disks.
  const command = ["--mount", "--propagation", "private", process.execPath];
  const { status } = spawnSync(
    "unshare",
    [...command, "--enable-source-maps", fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    { stdio: "inherit", env: { ...process.env, [inNamespace]: "1" } },
  );
  process.exitCode = status ?? 1;
} else {
  await main();
}

async function main(): Promise<void> {
  console.log(`${describeMachine()}\n`);
  const report: string[] = [];
  for (const name of values.only.split(",")) {
    const section: Section | undefined = sections[name];
    if (section === undefined) throw new Error(`${name} is none of ${Object.keys(sections)}.`);
    const scale = { rounds: Number(values.rounds), tiny: values.tiny };
    const text = await section(scale, { ownDisk, simulatedDisk });
    report.push(text);
    console.log(`${text}\n`);
  }
  if (!values.tiny) writeResults("commit.md", `${describeMachine()}\n\n${report.join("\n\n")}\n`);
}
