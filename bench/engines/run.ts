/**
 * The engines' benchmark: `npm run bench:engines [-- --only SECTION,… --rounds N --tiny --flush US]`.
 * Prints tables in Markdown. A flush takes 1 ms on the simulated disk, as on a good SSD.
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "../lib/machine.ts";
import { ownDisk, simulatedDisk } from "../lib/place.ts";
import { writeResults } from "../lib/results.ts";
import { overheadSection } from "./overhead-section.ts";
import { scenarioTable } from "./scenario-section.ts";
import { traceSection } from "./trace-section.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "scenarios,traces,overhead" },
    scenarios: { type: "string" },
    rounds: { type: "string", default: "5" },
    flush: { type: "string", default: "1000" },
    tiny: { type: "boolean", default: false },
  },
});

const inNamespace = "DRAFTFS_BENCH_NAMESPACE";

if (process.getuid?.() === 0 && process.env[inNamespace] === undefined) {
  // In a mount namespace of its own nobody else can hold on to the simulated disk.
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
  const only = values.only.split(",");
  const options = { tiny: values.tiny, rounds: Number(values.rounds) };
  const report = [describeMachine()];
  const add = (section: string) => {
    report.push(section);
    console.log(`${section}\n`);
  };
  console.log(`${describeMachine()}\n`);
  await using simulated = await simulatedDisk(Number(values.flush));
  await using own = ownDisk();
  const place = simulated ?? own;
  if (only.includes("scenarios")) {
    const names = values.scenarios?.split(",");
    add(
      await scenarioTable(place, { ...options, ...(names === undefined ? {} : { only: names }) }),
    );
  }
  if (only.includes("traces")) add(await traceSection(place, options));
  if (only.includes("overhead")) add(overheadSection(own, options));
  writeResults("engines.md", `${report.join("\n\n")}\n`);
}
