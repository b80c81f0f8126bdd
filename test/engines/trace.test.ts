import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { replaceText } from "../../src/engines/coalesce/edit.ts";
import { multiEdit } from "../../src/engines/coalesce/multi-edit.ts";
import { writeStream } from "../../src/engines/stream/stream.ts";
import { recordTrace } from "../../src/engines/trace/record-trace.ts";
import {
  type ReplayStrategy,
  replayTable,
  replayTrace,
} from "../../src/engines/trace/replay-trace.ts";
import { parseTrace } from "../../src/engines/trace/trace.ts";
import { MIB } from "../../src/limits.ts";
import { runTool } from "../../src/tools/tool.ts";
import { writeTool } from "../../src/tools/write-tool.ts";
import { plainOverlay, plant, treeOf } from "./support/plain-overlay.ts";

/** Replays a trace over real directories, and returns the trees that it leaves. */
async function replayed(text: string) {
  const roots = new Map<ReplayStrategy, string>();
  let commits = 0;
  const rows = await replayTrace(text, {
    open: async (strategy, base) => {
      const overlay = plainOverlay();
      roots.set(strategy, overlay.root);
      for (const { path, bytes } of base) {
        if (bytes === undefined) fs.mkdirSync(join(overlay.root, path), { recursive: true });
        else plant(overlay.root, { [path]: bytes });
      }
      return {
        overlay,
        commit: async () => {
          commits += 1;
        },
        close: async () => undefined,
      };
    },
  });
  const trees = [...roots.values()].map(treeOf);
  return { rows, trees, commits };
}

describe("a trace", () => {
  async function recorded(content: "inline" | "hash") {
    const overlay = plainOverlay();
    plant(overlay.root, {
      "a.txt": "one two",
      "old/b.bin": Uint8Array.of(0, 255),
      "gone.txt": "g",
    });
    let now = 1000;
    const recording = recordTrace(overlay, { content, now: () => now });
    multiEdit(recording.overlay, "a.txt", [replaceText("one", "1")]);
    now += 250;
    await runTool(
      writeTool,
      { overlay: recording.overlay },
      { file_path: "n/c.txt", content: "ü" },
    );
    recording.commit();
    recording.overlay.fs.renameSync(
      join(overlay.root, "old/b.bin"),
      join(overlay.root, "moved.bin"),
    );
    recording.overlay.fs.unlinkSync(join(overlay.root, "gone.txt"));
    recording.overlay.fs.mkdirSync(join(overlay.root, "empty/dir"), { recursive: true });
    recording.overlay.fs.rmSync(join(overlay.root, "old"), { recursive: true });
    await writeStream(recording.overlay, "s.txt", ["streamed"]);
    return { text: recording.text(), tree: treeOf(overlay.root) };
  }

  it("leaves the recorded tree when it is replayed, plainly and optimised", async () => {
    const { text, tree } = await recorded("inline");
    const { rows, trees, commits } = await replayed(text);
    expect(trees).toEqual([tree, tree]);
    expect(commits).toBe(4);
    expect(rows.map(({ strategy, commits: count }) => [strategy, count])).toEqual([
      ["plain", 2],
      ["optimized", 2],
    ]);
  });

  it("holds trees that are moved or deleted, and nothing that was rolled back", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "d/a": "a", "d/e/b": "b", "gone/c": "c", opened: "before" });
    const { overlay: recorded, text } = recordTrace(overlay);
    const at = (path: string) => join(overlay.root, path);
    recorded.fs.renameSync(at("d"), at("m"));
    recorded.fs.rmSync(at("gone"), { recursive: true });
    const savepoint = recorded.savepoint();
    recorded.fs.writeFileSync(at("m/a"), Buffer.from("never"));
    recorded.rollback(savepoint);
    const descriptor = recorded.fs.openSync(at("opened"), "w");
    recorded.fs.writeSync(descriptor, Buffer.from("after"), 0, 5, 0);
    recorded.fs.closeSync(descriptor);
    const { base, commits } = parseTrace(text());
    expect(base.map(({ path, bytes }) => `${path} ${bytes?.toString() ?? "/"}`)).toEqual([
      ...["d /", "d/a a", "d/e /", "d/e/b b", "gone /", "gone/c c", "opened before"],
    ]);
    expect(commits.flat().map(({ operation }) => operation)).toEqual([
      { kind: "move", path: "d", target: "m" },
      { kind: "delete_tree", path: "gone" },
      { kind: "write", path: "opened", bytes: Buffer.from("after") },
    ]);
  });

  it("keeps content out of it on request, and its size and equality in it", async () => {
    const { text } = await recorded("hash");
    expect(text).not.toMatch(/one two|streamed|ü/);
    const { trees } = await replayed(text);
    const [plain, optimized] = trees;
    expect(optimized).toEqual(plain);
    expect(plain?.["s.txt"]).toHaveLength("644 ".length + 2 * "streamed".length);
  });

  it("shows the strategies side by side", async () => {
    const overlay = plainOverlay();
    const recording = recordTrace(overlay);
    for (const name of ["a", "b", "c"]) {
      const path = `${name}.txt`;
      recording.note({ kind: "write", path, bytes: Buffer.from("1 2") });
      recording.note({ kind: "edit", path, edits: [replaceText("1", "x"), replaceText("2", "y")] });
    }
    const { rows } = await replayed(recording.text());
    const [plain, optimized] = rows;
    expect([plain?.calls, optimized?.calls]).toEqual([15, 3]);
    expect(optimized?.hindsight).toMatchObject({ decisions: 6, right: 6, needlessShare: 0 });
    expect(plain?.overlayHindsight).toBeUndefined();
    expect(optimized?.overlayHindsight).toMatchObject({ decisions: 6, right: 6, needless: 0 });
    expect(replayTable(rows)).toMatch(/right for the commits .*\n.*\nright on the overlay +– +100/);
    expect(replayTable(rows)).toMatch(/^ +plain +optimized\noperations +6 +6\n/);
    expect(replayTable(rows)).toMatch(/optimized: 3 × coalesce \(DEDUPLICATE\)/);
  });

  it("can be stopped between two commits, and tells how far it is", async () => {
    const overlay = plainOverlay();
    const recording = recordTrace(overlay);
    for (const path of ["a", "b", "c"]) {
      recording.note({ kind: "write", path, bytes: Buffer.from(path) });
      recording.commit();
    }
    const controller = new AbortController();
    const seen: unknown[] = [];
    const replay = replayTrace(recording.text(), {
      open: async () => ({
        overlay: plainOverlay(),
        commit: async () => undefined,
        close: async () => undefined,
      }),
      signal: controller.signal,
      onProgress(...progress) {
        seen.push(progress);
        if (progress[1] === 2) controller.abort();
      },
    });
    await expect(replay).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
    expect(seen).toEqual([
      ["plain", 1, 3],
      ["plain", 2, 3],
    ]);
  });

  it("may hold large content in base64", () => {
    const base64 = Buffer.alloc(12 * MIB, 0xff).toString("base64");
    const line = (content: string) =>
      `{"type":"base","path":"a","content":{"base64":"${content}"}}`;
    const header = '{"type":"trace","version":1}';
    expect(parseTrace(`${header}\n${line(base64)}`).base[0]?.bytes).toHaveLength(12 * MIB);
    for (const wrong of ["=", "A===", "AA=A", "=AAA", "A*==", "AAAA\\n", "AAAAA"]) {
      expect(() => parseTrace(`${header}\n${line(wrong)}`), wrong).toThrow(/is no base64/);
    }
  });

  it.each([
    ["{", /line 1: it is no JSON/],
    ['{"type":"commit","atMs":1}', /line 1: the header .* is missing/],
    ['\n{"type":"commit","atMs":1}', /line 2: the header .* is missing/],
    ["", /line 1: the file is empty, and the header .* is missing/],
    ["\n \n", /line 1: the file is empty/],
    ['{"type":"trace","version":2}', /line 1: it is of another version/],
    ['{"type":"trace","version":1}\n\n{"type":"operation"}', /line 3: /],
    [
      '{"type":"trace","version":1}\n{"type":"base","path":"a/../../b"}',
      /line 2: path: the path leaves the root/,
    ],
  ])("is refused with the number of the line: %s", (text, message) => {
    expect(() => parseTrace(text)).toThrow(message);
  });

  it.each([
    ["null", /type: is none of trace, base/],
    ['{"type":"toString"}', /type: is none of trace, base/],
    ['{"type":"commit"}', /atMs: is no number/],
    ['{"type":"commit","atMs":1,"more":1}', /more: is unknown/],
    ['{"type":"commit","atMs":1,"__proto__":1}', /__proto__: is unknown/],
    ['{"type":"base","path":""}', /path: is no path/],
    ['{"type":"base","path":"a","content":{}}', /content: is no content/],
    ['{"type":"base","path":"a","content":{"text":1}}', /content.text: is no text/],
    ['{"type":"base","path":"a","content":{"base64":"A"}}', /content.base64: is no base64/],
    ['{"type":"base","path":"a","content":{"text":"","bytes":1}}', /content.bytes: is unknown/],
    ['{"type":"base","path":"a","content":{"sha256":"A","bytes":1}}', /content.sha256: is no SHA/],
  ])("has no line such as %s", (line, message) => {
    expect(() => parseTrace(`{"type":"trace","version":1}\n${line}`)).toThrow(message);
  });

  it.each([
    [{ kind: "write", path: "a" }, /operation.content: is no content/],
    [{ kind: "move", path: "a", target: "../b" }, /operation.target: the path leaves the root/],
    [{ kind: "edit", path: "a", edits: [] }, /operation.edits: is no list of edits/],
    [
      { kind: "edit", path: "a", edits: [{ kind: "lines", first: 1, last: 1.5, text: "" }] },
      /operation.edits.0.last: is no whole number/,
    ],
    [
      { kind: "edit", path: "a", edits: [{ kind: "string", oldText: "", newText: "", all: true }] },
      /operation.edits.0.all: is unknown/,
    ],
  ])("has no operation such as %j", (operation, message) => {
    const line = JSON.stringify({ type: "operation", atMs: 0, operation });
    expect(() => parseTrace(`{"type":"trace","version":1}\n${line}`)).toThrow(message);
  });

  it("survives being written and read", () => {
    const overlay = plainOverlay();
    const recording = recordTrace(overlay, { now: () => 0 });
    const bytes = Uint8Array.of(0, 1, 254);
    const operation = {
      kind: "edit" as const,
      path: "a",
      edits: [
        { kind: "bytes" as const, offset: 1, length: 0, bytes },
        { kind: "lines" as const, first: 1, last: 1, text: "x" },
      ],
    };
    recording.note(operation);
    recording.note({ kind: "write", path: "b", bytes: Buffer.from("\ufeff\r\n") });
    const [first, second] = parseTrace(recording.text()).commits.flat();
    expect(first?.operation).toEqual({
      ...operation,
      edits: [{ ...operation.edits[0], bytes: Buffer.from(bytes) }, operation.edits[1]],
    });
    expect(second?.operation).toMatchObject({ bytes: Buffer.from("\ufeff\r\n") });
    expect(fs.readdirSync(overlay.root)).toEqual([]);
  });
});
