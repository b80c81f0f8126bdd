import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contestantKeys, readyScenario } from "../../bench/engines/contestants.ts";
import { overheadSection } from "../../bench/engines/overhead-section.ts";
import { measureScenario } from "../../bench/engines/scenario-section.ts";
import { scenarios } from "../../bench/engines/scenarios.ts";
import { traceSection } from "../../bench/engines/trace-section.ts";
import { temporaryDirectory, treeOf } from "./support/plain-overlay.ts";

/** A place to measure in that cannot delay anything. */
function place() {
  return {
    name: "test",
    directory: temporaryDirectory(),
    measuring: () => undefined,
    flushes: () => 0,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

describe("the engines' benchmark", () => {
  it.each(Object.keys(scenarios))("leaves the same files whoever does %s", async (name) => {
    const scenario = scenarios[name];
    if (scenario === undefined) throw new Error(name);
    const trees: Record<string, string>[] = [];
    for (const key of contestantKeys) {
      const root = temporaryDirectory();
      const ready = await readyScenario(scenario, key, root, { tiny: true });
      await ready.run();
      await ready.close();
      fs.rmSync(join(root, ".draftfs"), { recursive: true, force: true });
      fs.rmSync(join(root, "first"), { force: true });
      trees.push(treeOf(root));
    }
    const [unsafe, safe, draftfs] = trees;
    expect(Object.keys(unsafe ?? {}).length).toBeGreaterThan(0);
    expect(safe).toEqual(unsafe);
    expect(draftfs).toEqual(unsafe);
  });

  it("measures every contestant", async () => {
    const options = { tiny: true, rounds: 1, inProcesses: false };
    const figures = await measureScenario(place(), "batch3", options);
    expect(Object.keys(figures)).toEqual([...contestantKeys]);
    expect(Object.values(figures).every(({ medianMs }) => medianMs > 0)).toBe(true);
  });

  it("replays real traces and measures its own overhead", async () => {
    const table = await traceSection(place(), { tiny: true, rounds: 2 });
    expect(table.split("\n")).toHaveLength(7);
    expect(table).not.toContain("not recorded");
    expect(table).toMatch(/formatter over a tree \| \d+ \| 1 \|/);
    const overhead = overheadSection(place(), { tiny: true, rounds: 3 });
    expect(overhead).toMatch(/on an overlay/);
    const [, files = "0", templates = "0", instances = "0"] =
      /pending files \| (\d+) .*\| (\d+) \| (\d+) \|/.exec(overhead) ?? [];
    expect([Number(files), Number(templates)]).toEqual([50, 5]);
    expect(Number(instances)).toBeGreaterThan(30);
  });
});
