import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { Meter } from "../../src/metrics/meter.ts";
import { ReadLedger } from "../../src/tools/read-ledger.ts";
import { findTool } from "../../src/tools/tool-registry.ts";
import { plainOverlay, plant, watchedFs } from "../engines/support/plain-overlay.ts";

function session(files: Record<string, string | Uint8Array>) {
  const overlay = plainOverlay();
  plant(overlay.root, files);
  const seen: Measurement[] = [];
  const meter = new Meter((measurement) => seen.push(measurement));
  return {
    root: overlay.root,
    seen,
    async call(name: string, input: object, signal?: AbortSignal) {
      const context = { overlay, meter, ...(signal === undefined ? {} : { signal }) };
      return (await findTool(name)?.call(context, input)) as Record<string, unknown>;
    },
  };
}

const notebook = JSON.stringify({
  cells: [{ cell_type: "markdown", metadata: {}, source: "1" }],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 4,
});
const none = { reads: 0, writes: 0, deletes: 0, moves: 0, bytesWritten: 0 };

describe("a measured tool", () => {
  it("tells the path, the size of the content and the calls of every change", async () => {
    const { call, seen, root } = session({ a: "old", b: "1", d: "x", "t/x": "x" });
    await call("Write", { file_path: "a", content: "né" });
    await call("Edit", { file_path: "a", old_string: "n", new_string: "mm" });
    const edits = [{ old_string: "1", new_string: "22" }];
    await call("MultiEdit", { file_edits: [{ file_path: "b", edits }] });
    await call("Move", { source: "b", destination: "c" });
    await call("Delete", { path: "d" });
    await call("Delete", { path: "t", recursive: true });
    await call("MakeDirectory", { path: "e/f" });
    expect(seen).toMatchObject([
      {
        operation: "Write",
        path: join(root, "a"),
        sizeBytes: 3,
        io: { writes: 1, bytesWritten: 3 },
      },
      { operation: "Edit", path: join(root, "a"), sizeBytes: 2, io: { reads: 1, writes: 1 } },
      { operation: "MultiEdit", path: join(root, "b"), sizeBytes: 2, io: { reads: 1, writes: 1 } },
      { operation: "Move", path: join(root, "b"), sizeBytes: 0, io: { ...none, moves: 1 } },
      { operation: "Delete", path: join(root, "d"), io: { ...none, deletes: 1 } },
      { operation: "Delete", path: join(root, "t"), io: { ...none, deletes: 1 } },
      { operation: "MakeDirectory", path: join(root, "e/f"), io: none },
    ]);
    for (const { outcome, gain, durationMs } of seen) {
      expect({ outcome, gain }).toEqual({ outcome: "done", gain: 0 });
      expect(durationMs).toBeGreaterThan(0);
    }
  });

  it("reads a file once for all of its edits, its freshness included", async () => {
    const { fs: watched, calls } = watchedFs();
    const overlay = plainOverlay(undefined, watched);
    plant(overlay.root, { a: "one two", b: "one" });
    const context = { overlay, reads: new ReadLedger() };
    for (const name of ["a", "b"]) await findTool("Read")?.call(context, { file_path: name });
    calls.clear();
    const edit = (old_string: string, new_string: string) => ({ old_string, new_string });
    const file_edits = [
      { file_path: "a", edits: [edit("one", "1"), edit("two", "2")] },
      { file_path: "b", edits: [edit("one", "1")] },
    ];
    const output = await findTool("MultiEdit")?.call(context, { file_edits });
    expect(output).toMatchObject({ metrics: { reads: 2, writes: 2, savedReads: 1 } });
    expect(calls.get("readFileSync")).toBe(2);
    // What it knows of the files now is what they hold.
    const again = { file_path: "a", content: "x" };
    expect(await findTool("Write")?.call(context, again)).toMatchObject({ warnings: [] });
  });

  it("optimises nothing where the settings say so", async () => {
    const { fs: watched, calls } = watchedFs();
    const overlay = plainOverlay(undefined, watched);
    plant(overlay.root, { a: "one two", "n.ipynb": notebook });
    const context = { overlay, settings: { enabled: false } };
    const call = async (name: string, input: object) => {
      calls.clear();
      const output = (await findTool(name)?.call(context, input)) as { metrics: object };
      return { ...output.metrics, called: calls.get("writeFileSync") };
    };
    const edits = ["one", "two"].map((old_string) => ({ old_string, new_string: "3" }));
    const cells = ["1", "1"].map((new_source) => ({ cell_id: "cell-0", new_source }));
    const written = { optimization: "none", called: 1, writes: 1 };
    expect(await call("Write", { file_path: "a", content: "one two" })).toMatchObject(written);
    expect(await call("NotebookEdit", { notebook_path: "n.ipynb", edits: cells })).toMatchObject({
      called: 1,
    });
    expect(await call("MultiEdit", { file_path: "a", edits })).toMatchObject({
      ...written,
      called: 2,
      writes: 2,
    });
  });

  it("returns its metrics, also where nothing can be saved", async () => {
    const { call } = session({ a: "a", b: "b" });
    const metrics = async (name: string, input: object) => (await call(name, input))["metrics"];
    const plain = { optimization: "none", ...none, savedReads: 0, savedWrites: 0 };
    const durationMs = expect.any(Number);
    expect(await metrics("Move", { source: "a", destination: "c" })).toEqual({
      ...plain,
      moves: 1,
      durationMs,
    });
    expect(await metrics("Delete", { path: "b" })).toEqual({ ...plain, deletes: 1, durationMs });
    expect(await metrics("MakeDirectory", { path: "d" })).toEqual({ ...plain, durationMs });
    expect(await metrics("Write", { file_path: "e", content: "1" })).toMatchObject({ deletes: 0 });
    const creation = { file_path: "f", old_string: "", new_string: "1" };
    expect(await metrics("Edit", creation)).toMatchObject({ optimization: "none", writes: 1 });
  });

  it("tells of what only looks how much it has read, to the end of a search", async () => {
    const { call, seen, root } = session({ "a.txt": "one\n", "d/b.txt": "two\n", "c.bin": "\0" });
    await call("Read", { file_path: "a.txt" });
    await call("Grep", { pattern: "one|two" });
    await call("Glob", { pattern: "**/*.txt", path: "d" });
    expect(seen).toMatchObject([
      { operation: "Read", path: join(root, "a.txt"), sizeBytes: 4, io: { ...none, reads: 1 } },
      { operation: "Grep", path: undefined, sizeBytes: 9, io: { ...none, reads: 3 } },
      { operation: "Glob", path: join(root, "d"), io: none },
    ]);
    expect(seen.map(({ gain }) => gain)).toEqual([0, 0, 0]);
  });

  it("is refused when the call is, and none is counted for input that is refused", async () => {
    const { call, seen } = session({ a: "a" });
    await expect(call("Read", { file_path: "none" })).rejects.toThrow(/no file/);
    await expect(call("Grep", { pattern: "a", path: "none" })).rejects.toThrow(/nothing/);
    await expect(call("Read", { file: "a" })).rejects.toThrow(/file_path/);
    expect(seen).toMatchObject([
      { operation: "Read", outcome: "refused" },
      { operation: "Grep", outcome: "refused" },
    ]);
  });
});

describe("a signal", () => {
  it("keeps every tool from beginning", async () => {
    const { call, root } = session({ a: "a" });
    const stopped = AbortSignal.abort(new Error("enough"));
    for (const [name, input] of [
      ["Write", { file_path: "b", content: "b" }],
      ["Read", { file_path: "a" }],
      ["Grep", { pattern: "a" }],
    ] as const) {
      await expect(call(name, input, stopped)).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
    }
    expect(fs.readdirSync(root)).toEqual(["a"]);
  });

  it("stops a search in few but large files", async () => {
    const names = Array.from({ length: 6 }, (_, n) => [`${n}.txt`, "x".repeat(2 << 20)] as const);
    const { call, seen } = session(Object.fromEntries(names));
    const controller = new AbortController();
    const search = call("Grep", { pattern: "y" }, controller.signal);
    setImmediate(() => controller.abort());
    await expect(search).rejects.toMatchObject({ code: "DRAFT_ABORTED" });
    expect(seen[0]?.outcome).toBe("refused");
    expect(seen[0]?.io?.reads).toBeLessThan(6);
  });
});

describe("Grep", () => {
  it("searches UTF-16 as Read and Edit know it, and no binary file that begins alike", async () => {
    const wide = Buffer.from("\ufeffone\r\ntwo\r\n", "utf16le");
    const swapped = Buffer.from(wide).swap16();
    const binary = Buffer.from([0xff, 0xfe, 0x00, 0xdc, 0x6f, 0x00]);
    const { call } = session({ "a.txt": wide, "b.txt": swapped, "c.bin": binary });
    const result = await call("Grep", { pattern: "^(one|two|o)$", output_mode: "content" });
    expect(result["content"]).toBe("a.txt:1:one\na.txt:2:two\nb.txt:1:one\nb.txt:2:two");
  });

  it("takes no rules from a .gitignore that is a link or a directory, as git does", async () => {
    const { call, root } = session({ rules: "*.txt\n", "a.txt": "x", "d/.gitignore/b.txt": "x" });
    fs.symlinkSync("rules", join(root, ".gitignore"));
    expect(await call("Grep", { pattern: "x" })).toMatchObject({
      filenames: [join(root, "a.txt"), join(root, "rules"), join(root, "d/.gitignore/b.txt")],
    });
  });
});
