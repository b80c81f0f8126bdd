/**
 * The sandbox benchmark: `tsc -p bench && node bench/results/build/bench/sandbox/run.js
 * [--rounds N] [--tiny] [--files N] [--engine E] [--section S…]`. Every command is measured in turn
 * with the same command outside, on the same machine at the same time; only the ratios mean
 * something.
 */
import fs from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import type { Engine } from "../../src/sandbox/session-options.ts";
import { describeMachine } from "../lib/machine.ts";
import { writeResults } from "../lib/results.ts";
import { commandSection } from "./command-section.ts";
import { sampleTree } from "./sample-tree.ts";
import type { Scale } from "./scale.ts";
import { sessionSection } from "./session-section.ts";
import { installWorkload, projectWorkloads, treeWorkloads } from "./workload.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    files: { type: "string", default: "10000" },
    engine: { type: "string", default: process.getuid?.() === 0 ? "overlay" : "overlay-user" },
    section: { type: "string", multiple: true, default: ["session", "commands", "fuse"] },
    tiny: { type: "boolean", default: false },
  },
});

const scale: Scale = {
  rounds: values.tiny ? 1 : Number(values.rounds),
  files: values.tiny ? 50 : Number(values.files),
  engine: values.engine as Engine,
};
const has = (section: string): boolean => values.section.includes(section);
const report: string[] = [];
const add = (part: string): void => {
  report.push(part);
  console.log(`${part}\n`);
};
add(`${describeMachine()}; load ${loadText()}`);
if (has("session")) add(await sessionSection(scale));
if (has("commands") || has("fuse")) {
  const tree = sampleTree(scale.files);
  const inTree = treeWorkloads(tree.root, scale.files);
  const inProject = values.tiny ? [] : projectWorkloads();
  if (has("commands")) {
    add(await commandSection(scale, scale.engine, [...inTree, ...inProject], { peer: "try" }));
  }
  if (has("fuse") && fs.existsSync("/dev/fuse")) {
    add(await commandSection(scale, "fuse", inTree, { peer: "fuse-overlayfs" }));
    if (!values.tiny) {
      const install = installWorkload();
      const compile = inProject.filter(({ name }) => name.startsWith("tsc"));
      const slow = { rounds: Math.min(scale.rounds, 3) };
      add(await commandSection(slow, "fuse", [...compile, install]));
      install.remove();
    }
  }
  tree.remove();
}
add(`load at the end ${loadText()}`);
writeResults("sandbox.md", `${report.join("\n\n")}\n`);

function loadText(): string {
  return fs.readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" ");
}
