import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { effectiveConfig } from "../../src/config/effective-config.ts";
import { meterOf } from "../../src/config/meter-of.ts";
import { runBatch } from "../../src/engines/batch/run-batch.ts";
import { type Transaction, transaction } from "../../src/engines/batch/transaction.ts";
import { replaceText } from "../../src/engines/coalesce/edit.ts";
import { editExtents } from "../../src/engines/coalesce/edit-extents.ts";
import type { Operation } from "../../src/engines/operation.ts";
import type { Fallback } from "../../src/engines/optimizer/fallbacks.ts";
import { judge, judgeOnOverlay, summarize } from "../../src/engines/optimizer/hindsight.ts";
import { decide, explain, type OperationFeatures } from "../../src/engines/optimizer/optimizer.ts";
import { RootedPipeline } from "../../src/engines/optimizer/rooted-pipeline.ts";
import { runOptimized } from "../../src/engines/optimizer/run-optimized.ts";
import { WritePipeline } from "../../src/engines/optimizer/write-pipeline.ts";
import {
  type OptimizerSettings,
  optimizerSettingsOf,
} from "../../src/engines/optimizer-settings.ts";
import { runPlain } from "../../src/engines/run-plain.ts";
import { TemplateCache } from "../../src/engines/template/template-cache.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { MeasurementWindow } from "../../src/metrics/measurement-window.ts";
import { Meter } from "../../src/metrics/meter.ts";
import { layerOverlay, viewOf } from "./support/layer-overlay.ts";
import {
  plainOverlay,
  plant,
  temporaryDirectory,
  treeOf,
  watchedFs,
} from "./support/plain-overlay.ts";

const small: OperationFeatures = {
  kind: "write",
  sizeBytes: 100,
  fileBytes: 0,
  edits: 1,
  sameFile: 0,
  similar: 1,
  files: 1,
  insideBatch: false,
  fitsTemplate: false,
  isKnownTemplate: false,
  isIdentical: false,
  isOrdered: false,
  isHeld: false,
};
const settings = optimizerSettingsOf();
const decided = (features: Partial<OperationFeatures>, changed: Partial<typeof settings> = {}) => {
  const { analysis, strategy } = decide({ ...small, ...features }, { ...settings, ...changed });
  return `${analysis} ${strategy}`;
};

/** The settings that a configuration file gives. */
function settingsFrom(yaml: string, environment: Record<string, string> = {}) {
  const root = temporaryDirectory();
  plant(root, { "write_optimization_config.yaml": yaml });
  return optimizerSettingsOf(effectiveConfig({ root, environment }).values);
}

const write = (path: string, content: string): Operation => {
  return { kind: "write", path, bytes: Buffer.from(content) };
};

describe("the optimiser", () => {
  it.each<[string, Partial<OperationFeatures>]>([
    ["NONE standard", {}],
    ["NONE standard", { sizeBytes: 5000 }],
    ["NONE standard", { similar: 2, files: 2 }],
    ["NONE standard", { insideBatch: true }],
    ["NONE standard", { isIdentical: true }],
    ["DEDUPLICATE coalesce", { isIdentical: true, sizeBytes: 2000 }],
    ["DEDUPLICATE coalesce", { isIdentical: true, insideBatch: true }],
    ["DEDUPLICATE coalesce", { sameFile: 1 }],
    ["DEDUPLICATE coalesce", { kind: "edit", edits: 3 }],
    ["DEDUPLICATE stream", { kind: "edit", fileBytes: 1e9 }],
    ["BATCH batch", { similar: 3, files: 3 }],
    ["BATCH batch", { files: 3 }],
    ["BATCH batch", { files: 2, insideBatch: true }],
    ["TEMPLATE template", { fitsTemplate: true, similar: 3, files: 3 }],
    ["NONE standard", { fitsTemplate: true }],
    ["TEMPLATE template", { fitsTemplate: true, isKnownTemplate: true }],
    ["COORDINATE batch", { isOrdered: true }],
    ["BATCH commit", { isHeld: true, similar: 3, files: 3 }],
    ["BATCH commit", { isHeld: true, files: 3 }],
    ["BATCH commit", { isHeld: true, files: 2, insideBatch: true }],
    ["TEMPLATE commit", { isHeld: true, fitsTemplate: true, similar: 3, files: 3 }],
    ["COORDINATE commit", { isHeld: true, isOrdered: true }],
    ["NONE standard", { isHeld: true, similar: 2, files: 2 }],
    ["DEDUPLICATE coalesce", { isHeld: true, sameFile: 1, similar: 3, files: 3 }],
    ["DEDUPLICATE stream", { isHeld: true, kind: "edit", fileBytes: 1e9 }],
    ["DEDUPLICATE coalesce", { isHeld: true, isIdentical: true, sizeBytes: 2000 }],
    ["NONE standard", { isHeld: true, isIdentical: true, insideBatch: true }],
  ])("decides %s for %o", (expected, features) => {
    expect(decided(features)).toBe(expected);
  });

  it("says why", () => {
    const explained = (features: Partial<OperationFeatures>) =>
      explain(decide({ ...small, ...features }, settings));
    expect(explained({})).toBe("standard path: a single operation under 1024 bytes is left alone.");
    expect(explained({ kind: "edit", edits: 2, sameFile: 1 })).toBe(
      "coalesce (DEDUPLICATE): 1 more on the same file wait: one read and one write will do; saves 3.0 calls.",
    );
    expect(explained({ similar: 4 })).toBe("batch (BATCH): 4 similar operations wait.");
    expect(explained({ similar: 4, isHeld: true })).toBe(
      "commit (BATCH): 4 similar operations wait; the commit writes all of it together.",
    );
  });

  it("goes by the thresholds of the configuration", () => {
    const thresholds = (text: string) =>
      settingsFrom(`write_optimization:\n  thresholds: { ${text} }\n`);
    for (const isHeld of [false, true]) {
      const four = thresholds("min_operations_for_batch: 4");
      expect(decided({ files: 3, isHeld }, four)).toBe("NONE standard");
    }
    const always = thresholds("min_content_size_for_optimization: 0");
    expect(decided({ isIdentical: true }, always)).toBe("DEDUPLICATE coalesce");
    expect(thresholds("max_batch_size: 7").batchFilesMax).toBe(7);
  });

  it.each([
    ["pre_commit", { PRE_COMMIT: "1" }],
    ["git_hooks", { GIT_EXEC_PATH: "/usr/lib/git-core" }],
    ["ci_cd", { CI: "true" }],
  ])("integrations.%s: false switches it off there, and nowhere else", (key, environment) => {
    const text = `write_optimization: { enabled: true, integrations: { ${key}: false } }\n`;
    expect(settingsFrom(text, environment).enabled).toBe(false);
    expect(settingsFrom(text, { CI: "false", PRE_COMMIT: "0", GIT_EXEC_PATH: "" }).enabled).toBe(
      true,
    );
    expect(settingsFrom("", environment).enabled).toBe(true);
    const others = {
      PRE_COMMIT: "1",
      GIT_EXEC_PATH: "/x",
      CI: "1",
      [Object.keys(environment)[0] ?? ""]: "",
    };
    expect(settingsFrom(text, others).enabled).toBe(true);
  });

  it("is off with enabled: false and with WRITE_OPTIMIZATION_LEGACY=true", () => {
    const off = settingsFrom("write_optimization: { enabled: false }\n");
    const legacy = settingsFrom("", { WRITE_OPTIMIZATION_LEGACY: "true" });
    for (const { enabled } of [off, legacy]) {
      expect(decided({ sameFile: 5, similar: 9, files: 9 }, { enabled })).toBe("NONE standard");
    }
  });
});

describe("the pipeline", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("is switched off by the environment alone, wherever it is made", () => {
    const overlay = plainOverlay();
    const chosen = () => {
      const { decisions } = runOptimized(overlay, [write("1.ts", "1"), write("2.ts", "2")], {
        insideBatch: true,
      });
      return decisions.map(({ decision }) => decision.strategy);
    };
    expect(chosen()).toEqual(["batch", "batch"]);
    vi.stubEnv("WRITE_OPTIMIZATION_LEGACY", "true");
    expect(chosen()).toEqual(["standard", "standard"]);
  });

  it("takes from the overlay what its own settings leave out", async () => {
    const chosen = (settings: Partial<OptimizerSettings>) => {
      const { decisions } = runOptimized(plainOverlay(), [write("1.ts", "1"), write("2.ts", "2")], {
        settings,
        insideBatch: true,
      });
      return decisions.map(({ decision }) => decision.strategy);
    };
    expect(chosen({ enabled: false })).toEqual(["standard", "standard"]);
    expect(chosen({ operationsForBatchMin: 9 })).toEqual(["batch", "batch"]);
    const overlay = plainOverlay();
    const pipeline = new WritePipeline(overlay, { settings: { batchFilesMax: 1 } });
    expect(pipeline.submit(write("3.ts", "3"))).toHaveLength(1);
    const work = async (t: Transaction) => t.write("4.ts", "4");
    const { decisions } = await transaction(overlay, work, { settings: { enabled: false } });
    expect(decisions.map(({ decision }) => decision.strategy)).toEqual(["standard"]);
    vi.stubEnv("WRITE_OPTIMIZATION_LEGACY", "true");
    expect(chosen({ operationsForBatchMin: 2 })).toEqual(["standard", "standard"]);
    expect(chosen({ enabled: true })).toEqual(["batch", "batch"]);
  });

  it("optimises what has company and leaves the rest alone", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "e.txt": "a b", "same.txt": "s" });
    const result = runOptimized(overlay, [
      write("x/1.ts", "1"),
      { kind: "edit", path: "e.txt", edits: [replaceText("a", "A")] },
      write("x/2.ts", "2"),
      { kind: "edit", path: "e.txt", edits: [replaceText("b", "B")] },
      write("x/3.ts", "3"),
    ]);
    expect(result.decisions.map(({ decision }) => decision.strategy)).toEqual([
      "batch",
      "coalesce",
      "batch",
      "coalesce",
      "batch",
    ]);
    expect(result.io).toMatchObject({ reads: 1, writes: 4 });
    expect(fs.readFileSync(join(overlay.root, "e.txt"), "utf8")).toBe("A B");
  });

  it("takes the plain path, call by call, when it is switched off", () => {
    const overlay = plainOverlay();
    const edits = [replaceText("a", "A"), replaceText("b", "B")];
    const operations: Operation[] = [write("e.txt", "a b"), { kind: "edit", path: "e.txt", edits }];
    const result = runOptimized(overlay, operations, { settings: { ...settings, enabled: false } });
    expect(result.io).toMatchObject({ reads: 2, writes: 3 });
    expect(result.batch).toBeUndefined();
    expect(fs.readFileSync(join(overlay.root, "e.txt"), "utf8")).toBe("A B");
  });

  it("finds the template that writes have in common", () => {
    const file = (name: string) => `export const ${name} = defineComponent({ name: "${name}" });\n`;
    const templates = new TemplateCache();
    const operations = ["alpha", "beta", "gamma"].map((name) => write(`c/${name}.ts`, file(name)));
    const { decisions } = runOptimized(plainOverlay(), operations, { templates });
    expect(new Set(decisions.map(({ decision }) => decision.analysis))).toEqual(
      new Set(["TEMPLATE"]),
    );
    expect(templates.findMatch(file("delta"))?.data).toMatchObject({});
    expect(templates.size).toBe(1);
  });

  const component = (name: string, more = "") =>
    `export const ${name} = defineComponent({ name: "${name}" });\n${more}${"// same\n".repeat(150)}`;

  it("follows templates that were found before, and evolves those that almost fit", () => {
    const overlay = plainOverlay();
    const templates = new TemplateCache();
    const pipeline = new WritePipeline(overlay, { templates });
    const analysisOf = (...operations: Operation[]) => {
      for (const operation of operations) pipeline.submit(operation);
      const { decisions } = pipeline.flush();
      return decisions.map(({ decision, features }) => [
        decision.analysis,
        features.isKnownTemplate,
      ]);
    };
    const names = ["alpha", "beta", "gamma"];
    const first = analysisOf(...names.map((name) => write(`${name}.ts`, component(name))));
    expect(first).toEqual(names.map(() => ["TEMPLATE", false]));
    expect(analysisOf(write("delta.ts", component("delta")))).toEqual([["TEMPLATE", true]]);
    const odd = component("epsilon", "export default epsilon;\n");
    expect(templates.findMatch(odd)).toBeUndefined();
    expect(analysisOf(write("epsilon.ts", odd))).toEqual([["TEMPLATE", true]]);
    expect(templates.size).toBe(1);
    for (const text of [odd, component("zeta")]) expect(templates.findMatch(text)).toBeDefined();
    expect(analysisOf(write("other.md", "# Something else\n".repeat(80)))).toEqual([
      ["NONE", false],
    ]);
  });

  it("of a root goes by its configuration, and by the templates of earlier ones", () => {
    const overlay = layerOverlay();
    const thresholds = "{ min_operations_for_batch: 2 }";
    plant(overlay.root, {
      "write_optimization_config.yaml": `write_optimization:\n  thresholds: ${thresholds}\n`,
    });
    const names = ["alpha", "beta", "gamma"];
    {
      using pipeline = RootedPipeline.open(overlay);
      for (const name of names) pipeline.submit(write(`${name}.ts`, component(name)));
      expect(pipeline.waiting).toBe(3);
    }
    expect(viewOf(overlay)["gamma.ts"]).toMatch(/^644 /);
    const again = RootedPipeline.open(overlay);
    again.submit(write("delta.ts", component("delta")));
    expect(again.flush().decisions).toMatchObject([{ features: { isKnownTemplate: true } }]);
    for (const name of ["x", "y"]) again.submit(write(`${name}.md`, name));
    const decided = again.flush().decisions.map(({ decision }) => decision.strategy);
    expect(decided).toEqual(["commit", "commit"]);
    again.submit(write("alone.md", "x"));
    expect(again.flush().decisions).toMatchObject([{ decision: { strategy: "standard" } }]);
    again.close();
  });

  it("does what waits when the window closes, or when a batch is full", () => {
    let now = 0;
    const overlay = plainOverlay();
    const pipeline = new WritePipeline(overlay, {
      now: () => now,
      settings: { ...settings, batchFilesMax: 3 },
    });
    expect(pipeline.submit(write("1", "1"))).toEqual([]);
    expect(fs.readdirSync(overlay.root)).toEqual([]);
    now = 2001;
    expect(pipeline.submit(write("2", "2"))).toHaveLength(1);
    expect(fs.readdirSync(overlay.root)).toEqual(["1"]);
    pipeline.submit(write("3", "3"));
    expect(pipeline.submit(write("4", "4"))).toHaveLength(1);
    expect(pipeline.waiting).toBe(0);
    expect(fs.readdirSync(overlay.root)).toEqual(["1", "2", "3", "4"]);
  });

  const large = { ...settings, streamBytesMin: 16 };
  const edit = (path: string, ...texts: [string, string][]): Operation => {
    return { kind: "edit", path, edits: texts.map(([from, to]) => replaceText(from, to)) };
  };

  it("edits large files by extents, and tells what that took and saved", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { big: `one two ${"-".repeat(100)}` });
    const run = (operation: Operation) => runOptimized(overlay, [operation], { settings: large });
    const inPlace = run(edit("big", ["one", "ONE"], ["two", "TWO"]));
    expect(inPlace.io).toEqual({ reads: 2, writes: 2, deletes: 0, moves: 0, bytesWritten: 6 });
    expect(inPlace.decisions).toMatchObject([
      { decision: { strategy: "stream" }, callsSaved: 0, bytesSaved: 2 * 108 - 6 },
    ]);
    const copied = run(edit("big", ["ONE", "eleven"], ["TWO", "twelve"]));
    expect(copied.io).toMatchObject({ reads: 3, writes: 1, bytesWritten: 114 });
    expect(copied.decisions).toMatchObject([{ callsSaved: 0, bytesSaved: 2 * 108 - 114 }]);
  });

  it("keeps the order of edits of large files and what happens to their directories", () => {
    const big = "one ".repeat(10);
    const endOf = (...operations: Operation[]) => {
      const overlay = plainOverlay();
      plant(overlay.root, { "d/big": `${big}two`, "d/small": "s" });
      const { decisions, fallbacks } = runOptimized(overlay, operations, { settings: large });
      expect(fallbacks).toEqual([]);
      return [decisions[0]?.decision.strategy, Object.keys(treeOf(overlay.root))];
    };
    const change = edit("d/big", ["two", "three"]);
    expect(endOf(change, { kind: "move", path: "d", target: "e" })).toEqual([
      "batch",
      ["e", "e/big", "e/small"],
    ]);
    expect(endOf(change, { kind: "delete_tree", path: "d" })).toEqual(["batch", []]);
    expect(endOf(change, { kind: "delete", path: "d/small" })).toEqual(["stream", ["d", "d/big"]]);
  });

  it("keeps the order of what leads through links", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { big: "one two three four" });
    fs.symlinkSync("big", join(overlay.root, "soft"));
    fs.symlinkSync("soft", join(overlay.root, "softer"));
    const operations: Operation[] = [
      edit("softer", ["one", "1"]),
      { kind: "delete", path: "soft" },
      write("soft", "new"),
    ];
    expect(runOptimized(overlay, operations, { settings: large }).fallbacks).toEqual([]);
    expect(fs.readFileSync(join(overlay.root, "big"), "utf8")).toBe("1 two three four");
    expect(fs.readFileSync(join(overlay.root, "soft"), "utf8")).toBe("new");
  });

  it("refuses batches of no files instead of trying forever", () => {
    const none = { ...settings, batchFilesMax: 0 };
    const refused = expect.objectContaining({ code: "DRAFT_TOOL_INPUT" });
    expect(() => new WritePipeline(plainOverlay(), { settings: none })).toThrow(refused);
    expect(() => runOptimized(plainOverlay(), [], { settings: none })).toThrow(refused);
    for (const maxBatchSize of [0, -1, Number.NaN, 1.5]) {
      expect(() => runBatch(plainOverlay(), [write("a", "a")], { maxBatchSize })).toThrow(refused);
    }
  });

  it("takes an operation in although what waited before it fails", () => {
    let now = 0;
    const overlay = plainOverlay();
    const pipeline = new WritePipeline(overlay, { now: () => now });
    pipeline.submit(edit("none", ["a", "b"]));
    now = 5000;
    expect(() => pipeline.submit(write("kept", "k"))).toThrow(/no such/);
    expect(pipeline.waiting).toBe(1);
    pipeline.flush();
    expect(fs.readdirSync(overlay.root)).toEqual(["kept"]);
  });

  it("stops on a signal, and does not take that for a failing engine", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { big: "one two three four" });
    const controller = new AbortController();
    const stopping = (list: Operation[]) => () =>
      runOptimized(overlay, list, {
        settings: large,
        signal: controller.signal,
        runBatch(...given) {
          controller.abort();
          return runBatch(...given);
        },
        editExtents(...given) {
          controller.abort();
          return editExtents(...given);
        },
      });
    const aborted = expect.objectContaining({ code: "DRAFT_ABORTED" });
    expect(stopping([edit("big", ["one", "ten"])])).toThrow(aborted);
    expect(stopping(["1", "2", "3"].map((name) => write(name, name)))).toThrow(aborted);
    expect(fs.readdirSync(overlay.root)).toEqual(["big"]);
    expect(fs.readFileSync(join(overlay.root, "big"), "utf8")).toBe("one two three four");
    // A single small write, which is not even looked at, is stopped as well.
    const { signal } = controller;
    expect(() => runOptimized(overlay, [write("1", "1")], { signal })).toThrow(aborted);
    expect(fs.readdirSync(overlay.root)).toEqual(["big"]);
  });

  it("does none of a flush that fails", () => {
    const overlay = plainOverlay();
    const bad: Operation = { kind: "edit", path: "none", edits: [replaceText("a", "b")] };
    expect(() => runOptimized(overlay, [write("1", "1"), write("2", "2"), bad])).toThrow(/no such/);
    expect(fs.readdirSync(overlay.root)).toEqual([]);
  });
});

describe("an engine that fails", () => {
  const operations = [write("1", "1"), write("2", "2"), write("3", "3")];
  const broken = () => {
    throw new Error("the engine broke");
  };

  it("is replaced by the standard path, once and visibly", () => {
    const overlay = plainOverlay();
    const told: Fallback[] = [];
    const seen: Measurement[] = [];
    const result = runOptimized(overlay, operations, {
      runBatch: broken,
      onFallback: (fallback) => told.push(fallback),
      meter: new Meter((measurement) => seen.push(measurement)),
    });
    expect(treeOf(overlay.root)).toEqual({ "1": "644 31", "2": "644 32", "3": "644 33" });
    expect(result.fallbacks).toMatchObject([
      { engine: "batch", operations: 3, error: { message: "the engine broke" } },
    ]);
    expect(told).toEqual(result.fallbacks);
    expect(seen).toMatchObject([{ outcome: "fell_back", optimization: "none" }]);
  });

  it("is replaced as well when it is the one for large files", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { a: "one two three" });
    const edits = [replaceText("one", "1")];
    const seen: Measurement[] = [];
    const result = runOptimized(overlay, [{ kind: "edit", path: "a", edits }], {
      settings: { ...settings, streamBytesMin: 1 },
      editExtents: broken,
      meter: new Meter((measurement) => seen.push(measurement)),
    });
    expect(fs.readFileSync(join(overlay.root, "a"), "utf8")).toBe("1 two three");
    expect(result.fallbacks).toMatchObject([{ engine: "stream", operations: 1 }]);
    expect(result.decisions).toMatchObject([{ callsSaved: 0, bytesSaved: 0 }]);
    expect(seen).toMatchObject([{ outcome: "fell_back", optimization: "none", gain: 0 }]);
  });

  it("ends in an error when the standard path fails as well", () => {
    const bad: Operation = { kind: "delete", path: "none" };
    const overlay = plainOverlay();
    const run = () => runOptimized(overlay, [...operations, bad], { runBatch: broken });
    expect(run).toThrow(/ENOENT/);
    expect(fs.readdirSync(overlay.root)).toEqual([]);
  });
});

describe("hindsight", () => {
  it("holds decisions against the standard path on the overlay, without what commits save", () => {
    const { decisions } = runOptimized(plainOverlay(), [
      ...["a", "b", "c"].map((name) => write(name, name)),
      { kind: "edit", path: "a", edits: [replaceText("a", "A"), replaceText("A", "B")] },
    ]);
    const plain = { calls: 7, ms: 10 };
    const verdicts = (ms: number) => judgeOnOverlay(decisions, plain, { calls: 3, ms });
    expect(verdicts(9)).toEqual(["right", "right", "right", "right"]);
    expect(verdicts(11)).toEqual(["right", "needless", "needless", "right"]);
    const off = { ...settings, enabled: false };
    const left = runOptimized(plainOverlay(), [write("a", "a"), write("a", "b"), write("b", "b")], {
      settings: off,
    }).decisions;
    expect(judgeOnOverlay(left, plain, plain)).toEqual(["missed", "missed", "right"]);
  });

  it("calls an optimisation needless that saved nothing, and company left alone missed", () => {
    const decisions = runOptimized(plainOverlay(), [
      write("a", "a"),
      write("b", "b"),
      write("c", "c"),
    ]).decisions;
    expect(judge(decisions)).toEqual(["right", "right", "right"]);
    expect(judge(decisions.slice(0, 1))).toEqual(["needless"]);
    const alone = runOptimized(plainOverlay(), [write("a", "a")]).decisions;
    expect(judge(alone)).toEqual(["right"]);
    expect(judge([...alone, ...alone])).toEqual(["missed", "missed"]);
    const overlay = plainOverlay();
    plant(overlay.root, { big: "one" });
    const streamed = (from: string, to: string) =>
      judge(
        runOptimized(overlay, [{ kind: "edit", path: "big", edits: [replaceText(from, to)] }], {
          settings: { ...settings, streamBytesMin: 1 },
        }).decisions,
      );
    expect([streamed("o", "0"), streamed("0", "ooo")]).toEqual([["right"], ["needless"]]);
    expect(summarize(["right", "needless", "missed", "right"])).toEqual({
      decisions: 4,
      right: 2,
      needless: 1,
      missed: 1,
      rightShare: 0.5,
      needlessShare: 0.25,
    });
  });
});

describe("measuring", () => {
  function measured(metrics: string): Measurement[] {
    const root = temporaryDirectory();
    plant(root, { "metrics_config.yaml": `metrics:\n${metrics}` });
    const seen: Measurement[] = [];
    const meter = meterOf(effectiveConfig({ root, environment: {} }).values, (measurement) =>
      seen.push(measurement),
    );
    runOptimized(plainOverlay(), [write("a", "12"), write("b", "3"), write("c", "")], { meter });
    return seen;
  }

  it("tells time, memory, calls, gain and kind of every operation", () => {
    const [batch] = measured("  collection: { enabled: true }\n");
    expect(batch).toMatchObject({
      operation: "batch",
      sizeBytes: 3,
      optimization: "batch",
      baselineCalls: 3,
      gain: 0,
      outcome: "done",
      io: { reads: 0, writes: 3, bytesWritten: 3 },
      systemLoad: undefined,
    });
    expect(batch?.durationMs).toBeGreaterThan(0);
    expect(batch?.memory?.before).toBeGreaterThan(1_000_000);
  });

  it("leaves out what is not tracked, and everything when collection is off", () => {
    const off = "{ track_timing: false, track_memory: false, track_io: false, track_system: true }";
    const [batch] = measured(`  performance: ${off}\n`);
    expect(batch).toMatchObject({ durationMs: undefined, memory: undefined, io: undefined });
    expect(batch?.systemLoad).toBeGreaterThanOrEqual(0);
    expect(measured("  collection: { enabled: false }\n")).toEqual([]);
  });

  it("adds up a window, and holds it against target_improvement", () => {
    const window = new MeasurementWindow(1000);
    const one = measured("  collection: { enabled: true }\n")[0];
    if (one === undefined) throw new Error("nothing was measured");
    const at = (startedAtMs: number, gain: number, optimization: Measurement["optimization"]) =>
      window.observe({ ...one, startedAtMs, gain, optimization, durationMs: gain * 100 });
    at(0, 1, "batch");
    at(5000, 0.2, "batch");
    at(5100, 0.4, "coalesce");
    at(5200, 0.9, "none");
    expect(window.aggregate(0.3, 5500)).toMatchObject({
      operations: 3,
      optimized: 2,
      averageGain: 0.30000000000000004,
      meetsTarget: true,
      calls: 9,
      bytesWritten: 9,
      durationMedianMs: 40,
      durationP95Ms: 90,
    });
    expect(window.aggregate(0.5, 5500).meetsTarget).toBe(false);
    expect(window.aggregate(0.3, 9000).operations).toBe(0);
  });

  it("keeps no more measurements than it was told, the last ones", () => {
    const window = new MeasurementWindow(1000, 3);
    const one = measured("  collection: { enabled: true }\n")[0];
    if (one === undefined) throw new Error("nothing was measured");
    for (const durationMs of [1, 2, 3, 4, 5])
      window.observe({ ...one, startedAtMs: 1, durationMs });
    const { operations, durationMedianMs, durationP95Ms } = window.aggregate(0.3, 1);
    expect([operations, durationMedianMs, durationP95Ms]).toEqual([3, 4, 5]);
  });
});

describe("a write", () => {
  it("is one call where its directory is there, and makes it where it is not", () => {
    const { fs: watched, calls } = watchedFs();
    const overlay = plainOverlay(undefined, watched);
    const bytes = Buffer.from("x");
    runPlain(overlay, { kind: "write", path: "a.txt", bytes });
    expect([...calls]).toEqual([["writeFileSync", 1]]);
    runPlain(overlay, { kind: "write", path: "new/deep/a.txt", bytes });
    expect(treeOf(overlay.root)["new/deep/a.txt"]).toMatch(/ 78$/);
  });
});
