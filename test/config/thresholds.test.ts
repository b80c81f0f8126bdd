import { describe, expect, it } from "vitest";
import { effectiveConfig } from "../../src/config/effective-config.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { optimizerSettingsOf } from "../../src/engines/optimizer-settings.ts";
import { runOptimized, WritePipeline } from "../../src/engines/write-pipeline.ts";
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
