/**
 * The sandbox benchmark: `tsc -p bench && node bench/results/build/bench/sandbox/run.js
 * [--rounds N] [--tiny] [--files N] [--engine E]`. Every command is measured in turn with the same
 * command outside, on the same machine at the same time; only the ratios mean something.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import type { Engine } from "../../src/sandbox/session-options.ts";
import { describeMachine } from "../lib/machine.ts";
import { writeResults } from "../lib/results.ts";
import { commandSection } from "./command-section.ts";
import { sessionSection } from "./session-section.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    files: { type: "string", default: "10000" },
    engine: { type: "string", default: process.getuid?.() === 0 ? "overlay" : "overlay-user" },
    tiny: { type: "boolean", default: false },
  },
});

const scale = {
  rounds: values.tiny ? 1 : Number(values.rounds),
  files: values.tiny ? 50 : Number(values.files),
  engine: values.engine as Engine,
};
const report = [
  `${describeMachine()}; engine ${scale.engine}`,
  await sessionSection(scale),
  await commandSection(scale),
].join("\n\n");
console.log(report);
writeResults("sandbox.md", `${report}\n`);
