import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { checkOptions } from "../../src/check-options.ts";
import * as engines from "../../src/engines/index.ts";
import * as draftfs from "../../src/index.ts";
import { findTool } from "../../src/tools/index.ts";

let root: string;
let overlay: draftfs.Overlay;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "draftfs-options-"));
  writeFileSync(join(root, "file"), "text\n");
  overlay = await draftfs.openOverlay(root);
  overlay.fs.writeFileSync("new", "new\n");
});

afterAll(async () => {
  await overlay.close();
  rmSync(root, { recursive: true, force: true });
});

/** What JavaScript can pass, and TypeScript would not let through. */
const js = (value: unknown): never => value as never;

const edits = [engines.replaceText("text", "other")];
const trace = '{"type":"trace","version":1}\n';

/** Calls with a misspelt option, and the name that was meant. */
const calls: Record<string, readonly [meant: string, call: () => unknown]> = {
  openOverlay: ["readOnly", () => draftfs.openOverlay(root, js({ readonly: true }))],
  "openOverlay, a policy": [
    "denyWrite",
    () => draftfs.openOverlay(root, js({ policy: { denyWrites: ["**"] } })),
  ],
  "openOverlay, a sandbox": [
    "network",
    () => draftfs.openOverlay(root, js({ sandbox: { netwrok: "off" } })),
  ],
  doctor: ["force", () => draftfs.doctor(root, js({ forse: true }))],
  listDrafts: ["force", () => draftfs.listDrafts(root, js({ forse: true }))],
  removeDraft: ["force", () => draftfs.removeDraft(root, "main", js({ forse: true }))],
  openReplayTarget: ["directory", () => draftfs.openReplayTarget([], js({ directoy: "/" }))],
  memoryOverlay: ["memoryLimitBytes", () => draftfs.memoryOverlay({}, js({ memoryLimitByte: 1 }))],
  mergingResolver: ["markers", () => draftfs.mergingResolver(js({ marker: true }))],
  diff: ["include", () => overlay.diff(js({ includes: [] }))],
  diffByCommand: ["exclude", () => overlay.diffByCommand(js({ excludes: [] }))],
  toPatch: ["onProgress", async () => (await overlay.diff()).toPatch(js({ onprogress() {} }))],
  toTrace: ["sinceMs", async () => (await overlay.diff()).toTrace(js({ sinceMS: 0 }))],
  plan: ["include", () => overlay.plan(js({ includes: [] }))],
  run: ["timeoutMs", () => overlay.run("true", [], js({ timeoutms: 1 }))],
  "run, its limits": [
    "memoryBytes",
    () => overlay.run("true", [], js({ limits: { memorybyte: 1 } })),
  ],
  spawn: ["cwd", () => overlay.spawn("true", [], js({ cwdd: "." }))],
  shell: ["cwd", () => overlay.shell(js({ cwdd: "." }))],
  commit: ["message", () => overlay.commit(js({ mesage: "x" }))],
  commitForce: ["message", () => overlay.commitForce(js({ mesage: "x" }))],
  commitWith: ["message", () => overlay.commitWith(() => undefined, js({ mesage: "x" }))],
  transact: ["message", () => overlay.transact(() => {}, js({ mesage: "x" }))],
  close: ["settle", () => overlay.close(js({ setle: false }))],
  log: ["limit", () => overlay.log(js({ limits: 1 }))],
  drift: ["signal", () => overlay.drift(js({ signals: undefined }))],
  undo: ["count", () => overlay.undo(js({ counts: 2 }))],
  redo: ["force", () => overlay.redo(js({ forse: true }))],
  restore: ["paths", () => overlay.restore(js({ checkpoint: "latest", path: ["a"] }))],
  previewUndo: ["count", () => overlay.previewUndo(js({ counts: 2 }))],
  previewRedo: ["force", () => overlay.previewRedo(js({ forse: true }))],
  previewRestore: ["paths", () => overlay.previewRestore(js({ checkpoint: "1", path: ["a"] }))],
  applyPlan: ["message", async () => overlay.applyPlan(await overlay.plan(), js({ mesage: "x" }))],
  verify: ["signal", () => overlay.verify(js({ singal: undefined }))],
  previewCollection: ["operations", () => overlay.previewCollection(js({ operation: 1 }))],
  collectGarbage: ["operations", () => overlay.collectGarbage(js({ operation: 1 }))],
  multiEdit: ["settings", () => engines.multiEdit(overlay, "file", edits, js({ setting: {} }))],
  "multiEdit of several files": [
    "onRead",
    () => engines.multiEdit(overlay, { file: edits }, js({ onread() {} })),
  ],
  "multiEdit, its settings": [
    "enabled",
    () => engines.multiEdit(overlay, "file", edits, js({ settings: { enable: false } })),
  ],
  batch: ["atomic", () => engines.batch(overlay, (b) => b.remove("file"), js({ atomar: false }))],
  runBatch: ["atomic", () => engines.runBatch(overlay, [], js({ atomar: false }))],
  batchFromTemplate: [
    "atomic",
    () => {
      const texts = ["one", "two"].map((name) => `export class ${name} extends Model {}\n`);
      const { template } = engines.extractTemplate(texts);
      return engines.batchFromTemplate(overlay, template, [], js({ atomar: false }));
    },
  ],
  transaction: ["retries", () => engines.transaction(overlay, () => {}, js({ retrys: 2 }))],
  editExtents: ["signal", () => engines.editExtents(overlay, "file", edits, js({ singal: 1 }))],
  writeStream: ["signal", () => engines.writeStream(overlay, "new", ["x"], js({ singal: 1 }))],
  readStream: [
    "reuseChunk",
    () => engines.readStream(overlay, "file", js({ reuseChunks: true })).next(),
  ],
  transformStream: [
    "reuseChunk",
    () => engines.transformStream(overlay, "file", "new", (c) => c, js({ reuseChunks: true })),
  ],
  createStreamWriter: [
    "onFinish",
    () => engines.createStreamWriter(overlay, "new", js({ onfinish() {} })),
  ],
  WritePipeline: ["settings", () => new engines.WritePipeline(overlay, js({ setting: {} }))],
  "RootedPipeline.open": ["agent", () => engines.RootedPipeline.open(overlay, js({ agnet: "x" }))],
  runOptimized: ["settings", () => engines.runOptimized(overlay, [], js({ setting: {} }))],
  findTemplatesIn: ["signal", () => engines.findTemplatesIn(overlay, ".", 3, js({ singal: 1 }))],
  recordTrace: ["content", () => engines.recordTrace(overlay, js({ contents: "hash" }))],
  replayTrace: ["strategies", () => engines.replayTrace(trace, js({ open() {}, strategys: [] }))],
  collectMetrics: [
    "onAlert",
    () =>
      engines.collectMetrics(engines.effectiveConfig({ root }).values, js({ root, onalert: 1 })),
  ],
  effectiveConfig: ["root", () => engines.effectiveConfig(js({ roots: root }))],
  "the context of a tool": [
    "reads",
    () => findTool("List")?.call(js({ overlay, read: undefined }), {}),
  ],
};

describe("an option that does not exist is refused, and the one that was meant is named, by", () => {
  it.each(Object.entries(calls))("%s", async (_what, [meant, call]) => {
    const before = overlay.generation;
    const called = (async () => call())();
    await expect(called).rejects.toThrow(
      expect.objectContaining({
        name: "TypeError",
        code: "ERR_INVALID_ARG_VALUE",
        message: expect.stringContaining(`Did you mean ${meant}?`),
      }),
    );
    expect(overlay.generation).toBe(before);
  });
});

/** Calls with a value that means nothing, and what is said of it. */
const values: Record<string, readonly [said: string, call: () => unknown]> = {
  isolation: [
    'isolation of openOverlay is "snapshot" or "serializable", not "serialisable".',
    () => draftfs.openOverlay(root, js({ isolation: "serialisable" })),
  ],
  network: [
    'network of sandbox of openOverlay is "on" or "off", not false.',
    () => draftfs.openOverlay(root, js({ sandbox: { network: false } })),
  ],
  memoryLimitBytes: [
    'memoryLimitBytes of openOverlay is a number from 0, not "1GB".',
    () => draftfs.openOverlay(root, js({ memoryLimitBytes: "1GB" })),
  ],
  durability: [
    'durability of commit is "durable" or "full" or "none", not "durabel".',
    () => overlay.commit(js({ durability: "durabel" })),
  ],
  include: [
    'include of commit is a list of strings, not "src".',
    () => overlay.commit(js({ include: "src" })),
  ],
  timeoutMs: [
    'timeoutMs of run is a number from 0, not "1s".',
    () => overlay.run("true", [], js({ timeoutMs: "1s" })),
  ],
  "the limits": [
    "memoryBytes of limits of run is a number from 0, not NaN.",
    () => overlay.run("true", [], { limits: { memoryBytes: Number.NaN } }),
  ],
  count: ["count of undo is a whole number from 1, not 0.", () => overlay.undo({ count: 0 })],
  "a negative count": [
    "count of undo is a whole number from 1, not -2.",
    () => overlay.undo({ count: -2 }),
  ],
  checkpoint: [
    "checkpoint of restore is a string, not 3.",
    () => overlay.restore(js({ checkpoint: 3 })),
  ],
  "a checkpoint that is not named": [
    'A checkpoint is named by a string such as "latest", not by undefined.',
    () => overlay.restore(js({})),
  ],
  "what to show": [
    'A checkpoint is named by a string such as "latest", not by 3.',
    () => overlay.show(js(3)),
  ],
  "the directory": [
    "A root is named by the path of a directory, not by undefined.",
    () => draftfs.openOverlay(js(undefined)),
  ],
};

test.each(Object.entries(values))("a value of %s that means nothing is refused", async (_, one) => {
  const [said, call] = one;
  await expect((async () => call())()).rejects.toThrow(
    expect.objectContaining({ code: "ERR_INVALID_ARG_VALUE", message: said }),
  );
  expect(await overlay.log()).toEqual([]);
});

test("an overlay that is closed changes nothing more", async () => {
  const closed = await draftfs.openOverlay(root, { draft: "closed" });
  closed.fs.writeFileSync("late", "late\n");
  await closed.close();
  const late = [
    () => closed.diff(),
    () => closed.commit(),
    () => closed.plan(),
    () => closed.saveDraft(),
    () => closed.undo(),
  ];
  for (const call of late) await expect(call()).rejects.toMatchObject({ code: "DRAFT_CLOSED" });
  expect(await overlay.log()).toEqual([]);
});

test.each([
  ["a message", () => overlay.commit(js("message"))],
  ["a count", () => overlay.undo(js(3))],
  ["nothing", () => overlay.log(js(null))],
  ["a list", () => overlay.diff(js(["src"]))],
])("%s in place of options is refused", async (_what, call) => {
  await expect(call()).rejects.toThrow(/takes options as an object, \{ /);
});

test("the arguments of a command are a list", async () => {
  await expect(overlay.run("true", js({ cwd: "." }))).rejects.toThrow(/are a list/);
  await expect(overlay.run("true", js("-l"))).rejects.toThrow(/are a list/);
});

test("a name that is near to none comes with all that there are", () => {
  expect(() => checkOptions("call", { completely: 1 }, { one: true, two: true })).toThrow(
    "call has no option completely. There are { one, two }.",
  );
  expect(() => checkOptions("call", { toString: 1 }, { one: true })).toThrow("toString");
});
