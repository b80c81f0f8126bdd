/**
 * The commit benchmark: `npm run bench:commit [-- --only SECTION,… --methods KEY,… --rounds N
 * --tiny]`. Methods are those of `methods/index.ts`, all by default.
 * Prints tables in Markdown; raw figures go to `bench/results/`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "../lib/machine.ts";
import { ownDisk, simulatedDisk } from "../lib/place.ts";
import { writeResults } from "../lib/results.ts";
import type { Section } from "./sections.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    methods: { type: "string" },
    rounds: { type: "string", default: "5" },
    tiny: { type: "boolean", default: false },
  },
});

const asChild = "DRAFTFS_BENCH_CHILD";

if (process.getuid?.() === 0 && process.env[asChild] === undefined) {
  process.exitCode = await runApart();
} else {
  await main();
}

/**
 * Runs this program again as root can: in a mount namespace of its own, where nobody else can hold
 * on to the simulated disks, and in a session of its own, which has a priority of its own.
 */
async function runApart(): Promise<number> {
  const command = ["--mount", "--propagation", "private", process.execPath];
  const child = spawn(
    "unshare",
    [...command, "--enable-source-maps", fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    { stdio: "inherit", env: { ...process.env, [asChild]: "1" }, detached: true },
  );
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => process.kill(-(child.pid ?? 0), signal));
  }
  const [status] = await once(child, "exit");
  return status ?? 1;
}

/** Whatever else runs on the machine shall not decide the figures, where root can prevent it. */
function raisePriority(): void {
  if (process.env[asChild] === undefined) return;
  os.setPriority(-20);
  // The kernel schedules sessions against each other before the processes in them.
  if (fs.existsSync("/proc/self/autogroup")) fs.writeFileSync("/proc/self/autogroup", "-20");
}

async function main(): Promise<void> {
  raisePriority();
  console.log(`${describeMachine()}\n`);
  const { sections } = await import("./sections.ts");
  const report: string[] = [];
  for (const name of values.only?.split(",") ?? Object.keys(sections)) {
    const section: Section | undefined = sections[name];
    if (section === undefined) throw new Error(`${name} is none of ${Object.keys(sections)}.`);
    const keys = values.methods?.split(",");
    const scale = { rounds: Number(values.rounds), tiny: values.tiny, keys };
    const text = await section(scale, { ownDisk, simulatedDisk });
    report.push(text);
    console.log(`${text}\n`);
  }
  if (!values.tiny) writeResults("commit.md", `${describeMachine()}\n\n${report.join("\n\n")}\n`);
}
