import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineOverlay } from "../../src/engines/overlay-port.ts";
import { isDraftError } from "../../src/errors.ts";
import { ReadLedger } from "../../src/tools/read-ledger.ts";
import { findTool } from "../../src/tools/tool-registry.ts";
import { layerOverlay } from "../engines/support/layer-overlay.ts";
import { plainOverlay, plant, watchedFs } from "../engines/support/plain-overlay.ts";

interface TextOutput {
  readonly type: string;
  readonly file: {
    readonly content: string;
    readonly numLines: number;
    readonly startLine: number;
    readonly totalLines: number;
  };
  readonly warnings?: readonly string[];
}

async function read(
  overlay: EngineOverlay,
  input: object,
  reads = new ReadLedger(),
): Promise<TextOutput> {
  return (await findTool("Read")?.call({ overlay, reads }, input)) as TextOutput;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isDraftError(error)) return error.message;
    throw error;
  }
  return "done";
}

function overlayWith(files: Record<string, string | Uint8Array>): EngineOverlay {
  const overlay = plainOverlay();
  plant(overlay.root, files);
  return overlay;
}

describe("Read", () => {
  it("says why it shows nothing, and takes line 0 for the first", async () => {
    const overlay = overlayWith({ empty: "", two: "1\n2\n" });
    expect((await read(overlay, { file_path: "two", offset: 0 })).file.content).toBe("1\n2");
    const warned = async (input: object) => (await read(overlay, input)).warnings?.join() ?? "";
    expect(await warned({ file_path: "empty" })).toMatch(/exists, and is empty/);
    expect(await warned({ file_path: "two", offset: 3 })).toMatch(/has 2 lines.* from line 3 on/);
    expect(await warned({ file_path: "two" })).toBe("");
  });

  it("knows pages, and says that there are none", async () => {
    const overlay = overlayWith({ "a.txt": "a", "b.pdf": "%PDF-1.7\0" });
    expect(await refusal(read(overlay, { file_path: "b.pdf", pages: "1-3" }))).toMatch(/pdftotext/);
    expect(await refusal(read(overlay, { file_path: "b.pdf" }))).toMatch(/is a PDF file/);
    expect(await refusal(read(overlay, { file_path: "a.txt", pages: "2" }))).toMatch(/has none/);
    expect((await read(overlay, { file_path: "a.txt", pages: "" })).file.content).toBe("a");
  });

  it("cuts long lines off, with a warning, never within a letter", async () => {
    const line = `${"x".repeat(1999)}😀${"y".repeat(50)}`;
    const overlay = overlayWith({ "a.js": `short\n${line}\n`, "b.js": "x".repeat(2000) });
    const { file, warnings } = await read(overlay, { file_path: "a.js" });
    expect(file.content).toBe(`short\n${"x".repeat(1999)}…`);
    expect(warnings).toEqual([expect.stringMatching(/over 2000 letters/)]);
    expect((await read(overlay, { file_path: "b.js" })).warnings).toBeUndefined();
  });

  it("asks before it returns an image that is large", async () => {
    const overlay = overlayWith({ "a.png": new Uint8Array(3.75 * 1024 * 1024 + 1) });
    expect(await refusal(read(overlay, { file_path: "a.png" }))).toMatch(/allow_large/);
    expect(await read(overlay, { file_path: "a.png", allow_large: true })).toMatchObject({
      type: "image",
      file: { originalSize: 3.75 * 1024 * 1024 + 1 },
    });
  });

  it.each([
    ["no JSON", "{ <<<<<<< HEAD\n"],
    ["of another version", '{ "nbformat": 3 }'],
  ])("shows a notebook that is %s as text, so that it can be mended", async (_how, text) => {
    const overlay = overlayWith({ "n.ipynb": text });
    const reads = new ReadLedger();
    const output = await read(overlay, { file_path: "n.ipynb" }, reads);
    expect(output).toMatchObject({
      type: "text",
      file: { content: text.trimEnd() },
      warnings: [expect.stringMatching(/cells cannot be read/)],
    });
    const mended = { file_path: "n.ipynb", content: "{}" };
    await findTool("Write")?.call({ overlay, reads }, mended);
    expect(overlay.fs.readFileSync(join(overlay.root, "n.ipynb")).toString()).toBe("{}");
  });
});

describe("Read of a huge file", () => {
  const lines = Array.from({ length: 300_000 }, (_, n) => `line ${n} ${"é".repeat(25)}`);
  const text = lines.join("\r\n");

  it("returns a part, counts the lines, and never holds the whole of it", async () => {
    const { fs, calls } = watchedFs();
    const overlay = plainOverlay(undefined, fs);
    plant(overlay.root, { "huge.txt": `\ufeff${text}` });
    calls.clear();
    const reads = new ReadLedger();
    const first = await read(overlay, { file_path: "huge.txt", limit: 2 }, reads);
    expect(first.file).toMatchObject({
      content: lines.slice(0, 2).join("\n"),
      startLine: 1,
      totalLines: 300_000,
    });
    expect(first.warnings).toBeUndefined();
    const input = { file_path: "huge.txt", offset: 299_999, limit: 10 };
    expect((await read(overlay, input)).file).toMatchObject({
      content: lines.slice(-2).join("\n"),
      numLines: 2,
    });
    expect((await read(overlay, { file_path: "huge.txt", allow_large: true })).file.numLines).toBe(
      2000,
    );
    expect(calls.get("readFileSync")).toBeUndefined();
    // It counts as read, by its content.
    const bytes = fs.readFileSync(join(overlay.root, "huge.txt"));
    expect(reads.freshness(join(overlay.root, "huge.txt"), bytes)).toBe("fresh");
    expect(reads.freshness(join(overlay.root, "huge.txt"), bytes.subarray(1))).toBe("changed");
  });

  it("sees what is pending in a layer, cuts its lines, and refuses binary content", async () => {
    const layer = layerOverlay();
    const size = 17 * 1024 * 1024;
    layer.fs.writeFileSync("one-line.js", Buffer.alloc(size, "x"));
    const { file, warnings } = await read(layer, { file_path: "one-line.js", allow_large: true });
    expect(file).toMatchObject({ content: `${"x".repeat(2000)}…`, totalLines: 1 });
    expect(warnings).toHaveLength(1);
    layer.fs.writeFileSync("binary", Buffer.alloc(size));
    expect(await refusal(read(layer, { file_path: "binary", limit: 1 }))).toMatch(/binary/);
    layer.fs.writeFileSync("latin", Buffer.alloc(size, Buffer.from([0xe9, 0x0a])));
    expect((await read(layer, { file_path: "latin", limit: 2 })).warnings).toEqual([
      expect.stringMatching(/not UTF-8/),
    ]);
    const wide = Buffer.from(`\ufeff${"wide\n".repeat(2_000_000)}`, "utf16le");
    layer.fs.writeFileSync("wide", wide);
    expect((await read(layer, { file_path: "wide", limit: 1 })).file).toMatchObject({
      content: "wide",
      totalLines: 2_000_000,
    });
    layer.close();
  });
});
