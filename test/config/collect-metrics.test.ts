import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collectMetrics } from "../../src/config/collect-metrics.ts";
import { effectiveConfig } from "../../src/config/effective-config.ts";
import { batch } from "../../src/engines/batch/batch.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { plainOverlay, plant, temporaryDirectory } from "../engines/support/plain-overlay.ts";

/** A root whose metrics_config.yaml has these keys, collected at a time that the test sets. */
function collecting(files: Record<string, string>) {
  const root = temporaryDirectory();
  plant(root, files);
  const clock = { ms: Date.now() };
  const { values } = effectiveConfig({ root, environment: {} });
  const metrics = collectMetrics(values, { root, now: () => clock.ms });
  const path = join(root, ".write_optimization_metrics.json");
  return {
    root,
    clock,
    metrics,
    path,
    work: () =>
      batch(plainOverlay(), (b) => b.write("a", "1").write("a", "2"), { meter: metrics.meter }),
    lines: (file = path): Measurement[] =>
      fs
        .readFileSync(file, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Measurement),
  };
}

const config = (keys: string) => ({ "metrics_config.yaml": `metrics:\n${keys}` });

describe("the metrics of a configuration", () => {
  it("are kept in a file, a line an operation, written once an interval and at the end", async () => {
    const { metrics, clock, work, lines, path } = collecting(
      config("  collection: { interval: 5s }"),
    );
    await work();
    await work();
    expect(fs.existsSync(path)).toBe(false);
    clock.ms += 5000;
    await work();
    expect(lines()).toHaveLength(3);
    await work();
    expect(lines()).toHaveLength(3);
    metrics[Symbol.dispose]();
    expect(lines()).toHaveLength(4);
    expect(lines()[3]).toMatchObject({ operation: "batch", baselineCalls: 2, gain: 0.5 });
    expect(new Set(lines().map(({ id }) => id)).size).toBe(4);
  });

  it("are kept in the file that is named, or in memory alone", async () => {
    const named = collecting(config('  storage: { file_path: "m.jsonl" }'));
    await named.work();
    named.metrics.flush();
    expect(named.lines(join(named.root, "m.jsonl"))).toHaveLength(1);
    const memory = collecting(config("  storage: { backend: memory }"));
    await memory.work();
    memory.metrics.flush();
    expect(fs.readdirSync(memory.root)).toEqual(["metrics_config.yaml"]);
    expect(memory.metrics.aggregate()).toMatchObject({ operations: 1, averageGain: 0.5 });
  });

  it("stay within max_file_size: the oldest go", async () => {
    const { metrics, work, lines, path } = collecting(config("  storage: { max_file_size: 4KB }"));
    for (let n = 0; n < 40; n++) {
      await work();
      metrics.flush();
      expect(fs.statSync(path).size).toBeLessThanOrEqual(4096);
    }
    const kept = lines().map(({ id }) => Number(id.split("-").at(-1)));
    expect(kept.length).toBeGreaterThan(2);
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
    const before = fs.readFileSync(path, "utf8");
    for (let n = 0; n < 40; n++) await work();
    metrics.flush();
    expect(fs.statSync(path).size).toBeLessThanOrEqual(4096);
    expect(before).not.toContain(`"${lines().at(-1)?.id}"`);
  });

  it("are dropped after their retention", async () => {
    const { metrics, work, lines, path, clock } = collecting(
      config("  collection: { retention: 1h }"),
    );
    fs.writeFileSync(path, `${JSON.stringify({ id: "old", startedAtMs: clock.ms - 7_200_000 })}\n`);
    await work();
    metrics.flush();
    expect(lines()).toHaveLength(1);
    expect(lines()[0]?.id).not.toBe("old");
  });

  it("are held against target_improvement", async () => {
    for (const [target, meets] of [
      [0.5, true],
      [0.6, false],
    ] as const) {
      const { metrics, work } = collecting({
        "write_optimization_config.yaml": `write_optimization:\n  performance: { target_improvement: ${target} }`,
        ...config("  storage: { backend: memory }"),
      });
      await work();
      expect(metrics.aggregate().meetsTarget).toBe(meets);
    }
  });

  it.each([
    ["track_timing", false, "durationMs", undefined],
    ["track_memory", false, "memory", undefined],
    ["track_io", false, "io", undefined],
    ["track_system", true, "systemLoad", expect.any(Number)],
  ])("%s: %s is about %s, and nothing else", async (key, value, fact, expected) => {
    const lines = ["{}", `{ ${key}: ${value} }`].map((keys) => `  performance: ${keys}`);
    const [standard, set] = await Promise.all(
      lines.map(async (keys) => {
        const { metrics, work, lines: written } = collecting(config(keys));
        await work();
        metrics.flush();
        return written()[0];
      }),
    );
    const known = ["durationMs", "memory", "io", "systemLoad"] as const;
    const has = (one: Measurement | undefined) => known.filter((name) => one?.[name] !== undefined);
    const isChanged = (name: string) => name === fact;
    expect(set?.[fact as keyof Measurement]).toEqual(expected);
    expect(has(set).filter((name) => !isChanged(name))).toEqual(
      has(standard).filter((name) => !isChanged(name)),
    );
    expect(has(standard).includes(fact as (typeof known)[number])).toBe(!value);
  });

  it("never fail what is measured", async () => {
    const { metrics, work, root } = collecting(config('  storage: { file_path: "none/m.json" }'));
    await work();
    metrics.flush();
    await work();
    metrics.flush();
    expect(metrics.problem).toMatchObject({ code: "ENOENT" });
    expect(metrics.aggregate().operations).toBe(2);
    expect(fs.readdirSync(root)).toEqual(["metrics_config.yaml"]);
  });

  it("leave alone a file that holds something else, and what is not a file", async () => {
    const content = "export const mine = 1;\n";
    const place: readonly ((path: string) => void)[] = [
      (path) => fs.writeFileSync(path, content),
      (path) => {
        fs.writeFileSync(`${path}.other`, content);
        fs.symlinkSync(`${path}.other`, path);
      },
    ];
    for (const put of place) {
      const { metrics, work, path } = collecting({});
      put(path);
      await work();
      metrics.flush();
      expect(metrics.problem?.message).toMatch(/holds something else/);
      expect(fs.readFileSync(path, "utf8")).toBe(content);
    }
  });

  it("survive a line that was torn by a crash: that alone is dropped", async () => {
    const { metrics, work, lines, path, clock } = collecting({});
    const line = (id: string) => `${JSON.stringify({ id, startedAtMs: clock.ms })}\n`;
    fs.writeFileSync(path, `${line("first")}{"id":"torn","start\n${line("second")}{"id":"la`);
    await work();
    metrics.flush();
    expect(lines().map(({ id }) => id)).toEqual(["first", "second", expect.stringMatching(/^m/)]);
  });
});
