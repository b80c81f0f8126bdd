import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openOverlay } from "../../src/api/open-overlay.ts";
import type { AgentName } from "../../src/config/agent-profile.ts";
import { effectiveConfig } from "../../src/config/effective-config.ts";
import { batch } from "../../src/engines/batch/batch.ts";
import { transaction } from "../../src/engines/batch/transaction.ts";
import { replaceText } from "../../src/engines/coalesce/edit.ts";
import { multiEdit } from "../../src/engines/coalesce/multi-edit.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { RootedPipeline } from "../../src/engines/optimizer/rooted-pipeline.ts";
import { runOptimized } from "../../src/engines/optimizer/run-optimized.ts";
import { WritePipeline } from "../../src/engines/optimizer/write-pipeline.ts";
import {
  type OptimizerSettings,
  optimizerSettingsOf,
} from "../../src/engines/optimizer-settings.ts";
import { findTool } from "../../src/tools/tool-registry.ts";
import {
  plainOverlay,
  plant,
  temporaryDirectory,
  treeOf,
} from "../engines/support/plain-overlay.ts";

const file = "agent_optimization_config.yaml";

/** A configuration file with one key of an agent. */
function configOf(agent: AgentName, key: string, value: boolean): Record<string, string> {
  return { [file]: `agent_optimizations:\n  ${agent}:\n    ${key}: ${value}\n` };
}

/** The settings of an agent where the file sets one of its keys. */
function settingsOf(agent: AgentName, key: string, value: boolean): OptimizerSettings {
  const root = temporaryDirectory();
  plant(root, configOf(agent, key, value));
  return optimizerSettingsOf(effectiveConfig({ root, environment: {} }).values, agent);
}

function overlayWith(files: Record<string, string>) {
  const overlay = plainOverlay();
  plant(overlay.root, files);
  return { overlay, text: (path: string) => fs.readFileSync(join(overlay.root, path), "utf8") };
}

const write = (path: string, content = "x"): Operation => {
  return { kind: "write", path, bytes: Buffer.from(content) };
};

const model = (name: string) =>
  `export class ${name} extends Model {\n  static table = "${name}";\n  id = 0;\n}\n`;
const models = ["User", "Order", "Item", "Cart"].map((name) => write(`${name}.ts`, model(name)));

describe.each([
  ["builder", "batch_generation"],
  ["tester", "batch_test_generation"],
  ["ci_diagnostic", "batch_config_updates"],
] as const)("%s.%s", (agent, key) => {
  const on = settingsOf.bind(undefined, agent, key, true);
  const off = settingsOf.bind(undefined, agent, key, false);
  const three = [write("a", "1"), write("b"), write("a", "2")];

  it("lets operations wait, to be done together; else each is done at once", () => {
    const waiting = new WritePipeline(plainOverlay(), { settings: on() });
    expect(waiting.submit(write("a"))).toEqual([]);
    expect(waiting.waiting).toBe(1);
    const { overlay, text } = overlayWith({});
    const alone = new WritePipeline(overlay, { settings: off() });
    expect(alone.submit(write("a"))).toHaveLength(1);
    expect(text("a")).toBe("x");
    expect(alone.waiting).toBe(0);
  });

  it("makes a batch of what is asked for as one; else a call an operation, in order", async () => {
    const build = (b: { operations: Operation[] }) => b.operations.push(...three);
    for (const [settings, writes] of [
      [on(), 2],
      [off(), 3],
    ] as const) {
      const { overlay, text } = overlayWith({});
      expect(await batch(overlay, build, { settings })).toMatchObject({ writes });
      const flushed = runOptimized(overlayWith({}).overlay, three, { settings });
      expect(flushed.io.writes).toBe(writes);
      const change = await transaction(
        overlay,
        (t) => {
          t.write("c", "1");
          t.write("c", "2");
        },
        { settings },
      );
      expect(change.writes).toBe(writes - 1);
      expect([text("a"), text("b")]).toEqual(["2", "x"]);
    }
  });

  it("is all or none in either case", async () => {
    const { overlay } = overlayWith({ kept: "1" });
    const before = treeOf(overlay.root);
    const failing = [write("a"), { kind: "delete", path: "none" } as const];
    for (const settings of [on(), off()]) {
      expect(() => runOptimized(overlay, failing, { settings })).toThrow("ENOENT");
      const build = (b: { operations: Operation[] }) => b.operations.push(...failing);
      expect(await batch(overlay, build, { settings })).toMatchObject({ outcome: "rolled_back" });
      expect(treeOf(overlay.root)).toEqual(before);
    }
  });
});

describe.each([
  ["builder", "template_extraction"],
  ["ci_diagnostic", "template_based_fixes"],
] as const)("%s.%s", (agent, key) => {
  it("looks for templates among what is written, and keeps them in the root; else not", () => {
    for (const isOn of [true, false]) {
      const { overlay } = overlayWith(configOf(agent, key, isOn));
      const pipeline = RootedPipeline.open(overlay, { agent });
      for (const one of models) pipeline.submit(one);
      const classes = pipeline.flush().decisions.map(({ decision }) => decision.analysis);
      pipeline.close();
      expect(new Set(classes)).toEqual(new Set([isOn ? "TEMPLATE" : "BATCH"]));
      expect(pipeline.templates.size).toBe(isOn ? 1 : 0);
      const kept = join(overlay.root, ".draftfs/templates.json");
      expect(fs.existsSync(kept)).toBe(isOn);
    }
  });
});

describe("builder.memory_streaming", () => {
  it("edits huge files where they lie; else in memory, as one read and one write", () => {
    for (const [isOn, strategy] of [
      [true, "stream"],
      [false, "coalesce"],
    ] as const) {
      const settings = {
        ...settingsOf("builder", "memory_streaming", isOn),
        streamBytesMin: 16,
      };
      const { overlay, text } = overlayWith({ large: `${"x".repeat(100)}one two` });
      const edits = [replaceText("one", "ONE"), replaceText("two", "TWO")];
      const done = runOptimized(overlay, [{ kind: "edit", path: "large", edits }], { settings });
      expect(done.decisions[0]?.decision.strategy).toBe(strategy);
      expect(text("large")).toBe(`${"x".repeat(100)}ONE TWO`);
    }
  });

  it("reads them in pieces; else as a whole", async () => {
    for (const isOn of [true, false]) {
      const { overlay } = overlayWith({});
      const lines = "a line\n".repeat(2_500_000);
      fs.writeFileSync(join(overlay.root, "large"), lines);
      const whole: string[] = [];
      const watched = {
        ...overlay,
        fs: {
          ...overlay.fs,
          readFileSync(path: string) {
            whole.push(path);
            return overlay.fs.readFileSync(path);
          },
        },
      };
      const settings = settingsOf("builder", "memory_streaming", isOn);
      const read = findTool("Read");
      const input = { file_path: "large", offset: 2_499_999 };
      const output = await read?.call({ overlay: watched, settings }, input);
      expect(output).toMatchObject({ file: { totalLines: 2_500_000, numLines: 2 } });
      expect(whole).toHaveLength(isOn ? 0 : 1);
    }
  });
});

describe("reviewer.coalesced_edits", () => {
  const edits = [replaceText("one", "1"), replaceText("two", "2"), replaceText("three", "3")];
  const files = { a: "one two three" };

  it("makes one read and one write of the edits of a file; else one of each an edit", async () => {
    for (const [isOn, calls] of [
      [true, 1],
      [false, 3],
    ] as const) {
      const settings = settingsOf("reviewer", "coalesced_edits", isOn);
      const single = overlayWith(files);
      const counts = { reads: calls, writes: calls };
      expect(multiEdit(single.overlay, "a", edits, { settings })).toMatchObject(counts);
      expect(single.text("a")).toBe("1 2 3");
      const many = overlayWith(files);
      const done = await batch(many.overlay, (b) => b.edit("a", ...edits), { settings });
      expect(done).toMatchObject(counts);
      const flushed = overlayWith(files);
      const operations = edits.map((edit) => ({ kind: "edit" as const, path: "a", edits: [edit] }));
      expect(runOptimized(flushed.overlay, operations, { settings }).io).toMatchObject(counts);
      expect(flushed.text("a")).toBe("1 2 3");
    }
  });

  it("holds for the tools, notebooks included", async () => {
    const cells = ["one", "two"].map((source, index) => {
      return { cell_type: "markdown", id: `c${index}`, metadata: {}, source: [source] };
    });
    const notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
    for (const [isOn, calls] of [
      [true, 1],
      [false, 2],
    ] as const) {
      const settings = settingsOf("reviewer", "coalesced_edits", isOn);
      const { overlay, text } = overlayWith({ ...files, "n.ipynb": JSON.stringify(notebook) });
      const metrics = { reads: calls, writes: calls, savedReads: 2 - calls };
      const edit = (from: string, to: string) => ({ old_string: from, new_string: to });
      const list = { file_path: "a", edits: [edit("one", "1"), edit("two", "2")] };
      const edited = await findTool("MultiEdit")?.call({ overlay, settings }, list);
      expect(edited).toMatchObject({ metrics });
      const changed = await findTool("NotebookEdit")?.call(
        { overlay, settings },
        {
          notebook_path: "n.ipynb",
          edits: [
            { cell_id: "c0", new_source: "1" },
            { cell_id: "c1", new_source: "2" },
          ],
        },
      );
      expect(changed).toMatchObject({ metrics });
      expect(JSON.parse(text("n.ipynb")).cells).toMatchObject([
        { source: ["1"] },
        { source: ["2"] },
      ]);
    }
  });
});

/** Three files, of which the second has a second edit that fails. */
const set = {
  a: [replaceText("one", "1")],
  b: [replaceText("one", "1"), replaceText("missing", "x")],
  c: [replaceText("one", "1")],
};
const setFiles = { a: "one", b: "one", c: "one" };
const before = ["one", "one", "one"];

describe("reviewer.atomic_application", () => {
  it("makes a set of edits all or none; else each file by itself", async () => {
    for (const isOn of [true, false]) {
      const settings = settingsOf("reviewer", "atomic_application", isOn);
      const { overlay, text } = overlayWith(setFiles);
      const contents = () => ["a", "b", "c"].map(text);
      const edit = () => multiEdit(overlay, set, { settings });
      if (isOn) {
        expect(edit).toThrow(/b failed, no changes/);
        expect(contents()).toEqual(before);
      } else {
        expect(edit()).toMatchObject({
          edits: 2,
          files: [{ after: Buffer.from("1") }, { after: Buffer.from("1") }],
          failed: [{ path: join(overlay.root, "b"), applied: 0 }],
        });
        expect(contents()).toEqual(["1", "one", "1"]);
      }
      const asBatch = await batch(
        overlay,
        (b) => b.write("d", "x").edit("b", replaceText("missing", "x")),
        { settings },
      );
      expect(asBatch.outcome).toBe(isOn ? "rolled_back" : "partial_recovery");
      expect(fs.existsSync(join(overlay.root, "d"))).toBe(!isOn);
    }
  });

  it("lets a call decide for itself, and fails where nothing fits", async () => {
    const settings = settingsOf("reviewer", "atomic_application", false);
    const { overlay } = overlayWith(setFiles);
    const failing = { b: [replaceText("missing", "x")] };
    expect(() => multiEdit(overlay, failing, { settings })).toThrow(/The edit of b failed/);
    const asBatch = await batch(
      overlay,
      (b) => b.write("d", "x").edit("b", replaceText("missing", "x")),
      { settings, atomic: true },
    );
    expect(asBatch.outcome).toBe("rolled_back");
  });

  it("tells an agent which files were left out", async () => {
    const settings = settingsOf("reviewer", "atomic_application", false);
    const { overlay } = overlayWith(setFiles);
    const edit = (file_path: string, old_string: string) => {
      return { file_path, edits: [{ old_string, new_string: "1" }] };
    };
    const output = await findTool("MultiEdit")?.call(
      { overlay, settings },
      { file_edits: [edit("a", "one"), edit("b", "missing")] },
    );
    expect(output).toMatchObject({
      files: [{ filePath: join(overlay.root, "a") }],
      failed: [
        { filePath: join(overlay.root, "b"), reason: expect.stringMatching(/not found|not/) },
      ],
      warnings: [expect.stringContaining("Not all of the edits")],
    });
  });
});

describe("reviewer.rollback_enabled", () => {
  it("takes back what a failing set has done; else it stays, and the error says so", async () => {
    for (const isOn of [true, false]) {
      const settings = settingsOf("reviewer", "rollback_enabled", isOn);
      const { overlay, text } = overlayWith(setFiles);
      const told = isOn ? /no changes were applied/ : /Edit 2 of 2 of b failed, 2 edits stay/;
      expect(() => multiEdit(overlay, set, { settings })).toThrow(told);
      expect(["a", "b", "c"].map(text)).toEqual(isOn ? before : ["1", "1", "one"]);
      const asBatch = await batch(
        overlay,
        (b) => b.write("d", "x").remove("none").write("e", "x"),
        { settings },
      );
      expect(asBatch).toMatchObject(
        isOn
          ? { outcome: "rolled_back", writes: 0 }
          : { outcome: "stopped", writes: 1, failed: [{ index: 1 }] },
      );
      expect(["d", "e"].map((name) => fs.existsSync(join(overlay.root, name)))).toEqual([
        !isOn,
        false,
      ]);
    }
  });

  it("leaves the cells before a failing one as they were edited", async () => {
    const cell = { cell_type: "markdown", id: "c0", metadata: {}, source: ["one"] };
    const notebook = { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    const edits = [
      { cell_id: "c0", new_source: "1" },
      { cell_id: "none", new_source: "2" },
    ];
    for (const isOn of [true, false]) {
      const settings = settingsOf("reviewer", "rollback_enabled", isOn);
      const { overlay, text } = overlayWith({ "n.ipynb": JSON.stringify(notebook) });
      const work = findTool("NotebookEdit")?.call(
        { overlay, settings },
        { notebook_path: "n.ipynb", edits },
      );
      await expect(work).rejects.toThrow(isOn ? /none/ : /The edit before it stays applied/);
      expect(JSON.parse(text("n.ipynb")).cells[0].source).toEqual([isOn ? "one" : "1"]);
    }
  });
});

describe("tester.parallel_execution", () => {
  /** Ends when another command has made `second`, or gives up after so many tenths of a second. */
  const waiting = (tenths: number) =>
    `n=0; while [ ! -e second ] && [ $n -lt ${tenths} ]; do sleep 0.1; n=$((n+1)); done; ` +
    "if [ -e second ]; then echo together; else echo apart; fi > result";

  it("lets commands run at the same time; else one after the other", async () => {
    for (const [isOn, tenths, result] of [
      [true, 300, "together\n"],
      [false, 5, "apart\n"],
    ] as const) {
      const root = temporaryDirectory();
      plant(root, configOf("tester", "parallel_execution", isOn));
      await using overlay = await openOverlay(root, { agent: "tester" });
      await Promise.all([
        overlay.run("sh", ["-c", waiting(tenths)]),
        overlay.run("sh", ["-c", "echo > second"]),
      ]);
      expect(overlay.fs.readFileSync("result", "utf8")).toBe(result);
    }
  });

  it("does not hold back the next command when one could not be started", async () => {
    const root = temporaryDirectory();
    await using overlay = await openOverlay(root, { agent: "tester" });
    const failing = overlay.run("true", [], { cwd: "none" });
    const next = overlay.run("sh", ["-c", "echo > made"]);
    await expect(failing).rejects.toThrow("none");
    expect((await next).exitCode).toBe(0);
  });
});

describe("an agent", () => {
  it("that there is not is refused, with the one that was meant", async () => {
    const root = temporaryDirectory();
    const opening = openOverlay(root, { agent: "reviewr" as AgentName });
    await expect(opening).rejects.toMatchObject({
      code: "DRAFT_CONFIG",
      message: expect.stringContaining("Did you mean reviewer?"),
    });
  });

  it("has its profile on the overlay that is opened for it, and there alone", async () => {
    const root = temporaryDirectory();
    plant(root, { ...configOf("reviewer", "coalesced_edits", false), a: "one two" });
    const edits = [replaceText("one", "1"), replaceText("two", "2")];
    for (const [agent, writes] of [
      ["reviewer", 2],
      ["builder", 1],
      [undefined, 1],
    ] as const) {
      await using overlay = await openOverlay(root, agent === undefined ? {} : { agent });
      expect(multiEdit(overlay, "a", edits).writes).toBe(writes);
    }
  });
});
