import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openOverlay } from "../../src/api/open-overlay.ts";
import type { Overlay } from "../../src/api/overlay.ts";
import { effectiveConfig } from "../../src/config/effective-config.ts";
import { batch } from "../../src/engines/batch/batch.ts";
import { transaction } from "../../src/engines/batch/transaction.ts";
import { replaceText } from "../../src/engines/coalesce/edit.ts";
import { multiEdit } from "../../src/engines/coalesce/multi-edit.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { runOptimized } from "../../src/engines/optimizer/run-optimized.ts";
import { WritePipeline } from "../../src/engines/optimizer/write-pipeline.ts";
import { optimizerSettingsOf } from "../../src/engines/optimizer-settings.ts";
import { recordTrace } from "../../src/engines/trace/record-trace.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { Meter } from "../../src/metrics/meter.ts";
import { findTool } from "../../src/tools/tool-registry.ts";
import { plainOverlay, plant, temporaryDirectory } from "../engines/support/plain-overlay.ts";

/** The optimiser's settings under a `write_optimization_config.yaml`. */
function settingsUnder(keys: string) {
  const root = temporaryDirectory();
  plant(root, { "write_optimization_config.yaml": `write_optimization:\n  ${keys}\n` });
  return optimizerSettingsOf(effectiveConfig({ root, environment: {} }).values);
}

const write = (path: string, content = "x"): Operation => {
  return { kind: "write", path, bytes: Buffer.from(content) };
};

/** How some operations that wait together are done. */
function strategiesUnder(keys: string, operations: readonly Operation[]): string[] {
  const settings = settingsUnder(keys);
  const { decisions } = runOptimized(plainOverlay(), operations, { settings });
  return decisions.map(({ decision }) => decision.strategy);
}

describe("a threshold in the configuration file", () => {
  const three = [write("a"), write("b"), write("c")];

  it("min_operations_for_batch says how many operations make a batch", () => {
    const key = "thresholds: { min_operations_for_batch";
    expect(strategiesUnder(`${key}: 3 }`, three)).toEqual(["batch", "batch", "batch"]);
    expect(strategiesUnder(`${key}: 4 }`, three)).toEqual(["standard", "standard", "standard"]);
  });

  it("min_content_size_for_optimization says when the same content is looked for", () => {
    const key = "thresholds: { min_content_size_for_optimization";
    const overlay = () => {
      const made = plainOverlay();
      plant(made.root, { a: "same" });
      return made;
    };
    const strategy = (size: number) =>
      runOptimized(overlay(), [write("a", "same")], {
        settings: settingsUnder(`${key}: ${size} }`),
      }).decisions[0]?.decision.strategy;
    expect(strategy(5)).toBe("standard");
    expect(strategy(3)).toBe("coalesce");
  });

  it("max_batch_size says when operations that wait are done without being asked", () => {
    const settings = settingsUnder("thresholds: { max_batch_size: 2 }");
    const pipeline = new WritePipeline(plainOverlay(), { settings });
    expect(pipeline.submit(write("a"))).toHaveLength(0);
    expect(pipeline.submit(write("b"))).toHaveLength(1);
    expect(pipeline.waiting).toBe(0);
  });

  it("enabled: false leaves everything on the standard path", () => {
    expect(strategiesUnder("enabled: false", three)).toEqual(["standard", "standard", "standard"]);
  });
});

describe("the configuration of a root", () => {
  const files = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`);
  const under = async (keys: string | undefined, work: (overlay: Overlay) => unknown) => {
    const root = temporaryDirectory();
    const file = { "write_optimization_config.yaml": `write_optimization: { ${keys} }` };
    plant(root, { ...(keys === undefined ? {} : file), a: "one two" });
    await using overlay = await openOverlay(root);
    for (const one of [overlay, recordTrace(overlay).overlay]) await work(one as Overlay);
  };

  it("holds for engines and tools over its overlay that are given no settings", async () => {
    await under("enabled: false", async (overlay) => {
      const seen: Measurement[] = [];
      const observer = (measurement: Measurement) => seen.push(measurement);
      const edits = [replaceText("one", "1"), replaceText("1", "one")];
      await batch(overlay, (b) => b.write("b", "1"), { observer });
      multiEdit(overlay, "a", edits, { observer });
      await transaction(overlay, (t) => t.write("b", "2"), { observer });
      const pipeline = new WritePipeline(overlay, { meter: new Meter(observer) });
      for (const name of files(3)) pipeline.submit(write(name));
      pipeline.flush();
      await findTool("Write")?.call(
        { overlay, meter: new Meter(observer) },
        { file_path: "a", content: "one two" },
      );
      expect(seen.map(({ optimization }) => optimization)).toEqual(seen.map(() => "none"));
      expect(seen.map(({ io }) => io?.writes)).toEqual([1, 2, 1, 1, 1, 1, 1]);
      // What a call is told goes before.
      multiEdit(overlay, "a", edits, { observer, settings: { enabled: true } });
      expect(seen.at(-1)).toMatchObject({ optimization: "coalesce", io: { writes: 0 } });
    });
  });

  it("bounds batches and says what makes one", async () => {
    const thresholds = "thresholds: { max_batch_size: 2, min_operations_for_batch: 5 }";
    await under(thresholds, async (overlay) => {
      const result = await batch(overlay, (b) => {
        for (const name of files(5)) b.write(name, "1");
      });
      expect(result.groups).toBe(3);
      const chosen = (count: number) => {
        const operations = files(count).map((name) => write(name, "2"));
        const { decisions } = runOptimized(overlay, operations);
        return [...new Set(decisions.map(({ decision }) => decision.strategy))];
      };
      expect([chosen(4), chosen(5)]).toEqual([["standard"], ["commit"]]);
    });
  });

  it("is switched off by the environment, whatever it says", async () => {
    await under("enabled: true", (overlay) => {
      vi.stubEnv("WRITE_OPTIMIZATION_LEGACY", "true");
      const edits = [replaceText("one", "1"), replaceText("1", "one")];
      expect(multiEdit(overlay, "a", edits)).toMatchObject({ reads: 2, writes: 2 });
      vi.unstubAllEnvs();
      expect(multiEdit(overlay, "a", edits)).toMatchObject({ reads: 1, writes: 0 });
    });
  });

  it.each(["enabled: true", undefined])("is off by the environment, with %s", async (text) => {
    vi.stubEnv("WRITE_OPTIMIZATION_LEGACY", "true");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    await under(text, (overlay) => {
      expect(overlay.optimizer.enabled).toBe(false);
    });
  });
});
