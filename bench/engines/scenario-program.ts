/**
 * Runs one scenario once, in a process of its own, for strace and for its peak memory:
 * `scenario-program.js SCENARIO CONTESTANT ROOT TINY MARKER`. Looks at MARKER-start and MARKER-end
 * around what counts; prints how many bytes the process grew by at its largest.
 */
import fs from "node:fs";
import process from "node:process";
import { type ContestantKey, readyScenario } from "./contestants.ts";
import { scenarios } from "./scenarios.ts";

const [name = "", key = "", root = "", tiny = "", marker = ""] = process.argv.slice(2);
const scenario = scenarios[name];
if (scenario === undefined) throw new Error(`There is no scenario ${name}.`);
const ready = await readyScenario(scenario, key as ContestantKey, root, { tiny: tiny === "true" });
globalThis.gc?.();
const before = process.memoryUsage.rss();
resetPeak();
mark("start");
await ready.run();
mark("end");
console.log(Math.max(0, peakBytes() - before));
await ready.close();

/** Lets the kernel's high-water mark begin anew, so that the preparation does not count. */
function resetPeak(): void {
  fs.writeFileSync("/proc/self/clear_refs", "5");
}

function peakBytes(): number {
  const status = fs.readFileSync("/proc/self/status", "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

function mark(which: string): void {
  try {
    fs.accessSync(`${marker}-${which}`);
  } catch {
    // It is there to be seen by strace only.
  }
}
