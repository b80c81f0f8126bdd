import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineOverlay } from "../../src/engines/overlay-port.ts";
import { isDraftError } from "../../src/errors.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { Meter } from "../../src/metrics/meter.ts";
import { ReadLedger } from "../../src/tools/read-ledger.ts";
import type { ToolContext } from "../../src/tools/tool.ts";
import { agentTools, findTool } from "../../src/tools/tool-registry.ts";
import { plainOverlay, plant, treeOf } from "../engines/support/plain-overlay.ts";

interface Session {
  readonly overlay: EngineOverlay;
  readonly root: string;
  call(name: string, input: object): Promise<Record<string, unknown>>;
  text(path: string): string;
}

function sessionOver(files: Record<string, string | Uint8Array>, reads?: ReadLedger): Session {
  const overlay = plainOverlay();
  plant(overlay.root, files);
  const context: ToolContext = { overlay, ...(reads === undefined ? {} : { reads }) };
  return {
    overlay,
    root: overlay.root,
    async call(name, input) {
      const tool = findTool(name);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      return { ...(await tool.call(context, input)) };
    },
    text: (path) => fs.readFileSync(join(overlay.root, path), "utf8"),
  };
}

it("gives results of their own types for the tools whose names are known", async () => {
  const overlay = plainOverlay();
  plant(overlay.root, { a: "one\n" });
  const read: string[] = [];
  const output = await findTool("Read").call({ overlay }, { file_path: "a" });
  if (output.type === "text") read.push(output.file.content);
  const { filenames } = await findTool("Glob").call({ overlay }, { pattern: "*" });
  expect([...read, ...filenames]).toEqual(["one", join(overlay.root, "a")]);
});

async function refusal(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work;
  } catch (error) {
    if (isDraftError(error)) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("expected a refusal");
}

describe("every tool", () => {
  it("has a JSON Schema that names its required parameters and refuses unknown ones", () => {
    const required = Object.fromEntries(
      agentTools.map((tool) => [tool.name, tool.inputSchema["required"] ?? []]),
    );
    expect(required).toEqual({
      Read: ["file_path"],
      Write: ["file_path", "content"],
      Edit: ["file_path", "old_string", "new_string"],
      MultiEdit: [],
      NotebookEdit: ["notebook_path"],
      Move: ["source", "destination"],
      Delete: ["path"],
      MakeDirectory: ["path"],
      List: [],
      Glob: ["pattern"],
      Grep: ["pattern"],
    });
    expect(agentTools.every((tool) => tool.inputSchema["additionalProperties"] === false)).toBe(
      true,
    );
  });

  it("names the parameter that is wrong", async () => {
    const { call } = sessionOver({});
    expect(await refusal(call("Write", { file_path: "a", content: 1, mode: 2 }))).toEqual({
      code: "DRAFT_TOOL_INPUT",
      message: expect.stringMatching(/Cannot run Write: content: .*; .*"mode"/),
    });
  });

  it("is measured where the context has a meter", async () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "a.txt": "1 2" });
    const seen: Measurement[] = [];
    const context = { overlay, meter: new Meter((measurement) => seen.push(measurement)) };
    const edits = ["1", "2"].map((digit) => ({ old_string: digit, new_string: `${digit}0` }));
    await findTool("MultiEdit")?.call(context, { file_path: "a.txt", edits });
    await findTool("Read")?.call(context, { file_path: "a.txt" });
    expect(seen).toMatchObject([
      {
        operation: "MultiEdit",
        optimization: "coalesce",
        baselineCalls: 4,
        gain: 0.5,
        io: { reads: 1, writes: 1, bytesWritten: 5 },
      },
      { operation: "Read", optimization: "none", gain: 0 },
    ]);
  });

  it("refuses paths outside the root", async () => {
    const { call } = sessionOver({});
    const inputs: [string, object][] = [
      ["Read", { file_path: "/etc/passwd" }],
      ["Write", { file_path: "../x", content: "" }],
      ["Edit", { file_path: "/x", old_string: "", new_string: "a" }],
      ["Move", { source: "a", destination: "/tmp/a" }],
      ["Delete", { path: "/tmp" }],
      ["MakeDirectory", { path: "a/../../b" }],
      ["List", { path: "/" }],
      ["Glob", { pattern: "*", path: "/" }],
      ["Grep", { pattern: "x", path: ".." }],
    ];
    for (const [name, input] of inputs) {
      expect(await refusal(call(name, input))).toMatchObject({ code: "DRAFT_TOOL_INPUT" });
    }
  });
});

describe("Write", () => {
  it("creates a file with its parents and says so", async () => {
    const { call, text, root } = sessionOver({});
    const result = await call("Write", { file_path: join(root, "a/b.txt"), content: "1\r\n2" });
    expect(text("a/b.txt")).toBe("1\r\n2");
    expect(result).toMatchObject({
      type: "create",
      filePath: join(root, "a/b.txt"),
      originalFile: null,
      staged: true,
      structuredPatch: [{ oldStart: 0, oldLines: 0, newStart: 1, newLines: 2 }],
      metrics: { optimization: "none", writes: 1, bytesWritten: 4 },
    });
  });

  it("updates a file, keeps its mode and shows the hunks", async () => {
    const { call, text, root } = sessionOver({ "run.sh": "echo 1\necho 2\n" });
    fs.chmodSync(join(root, "run.sh"), 0o700);
    const result = await call("Write", { file_path: "run.sh", content: "echo 1\necho 3\n" });
    expect(text("run.sh")).toBe("echo 1\necho 3\n");
    expect(fs.statSync(join(root, "run.sh")).mode & 0o777).toBe(0o700);
    expect(result).toMatchObject({
      type: "update",
      originalFile: "echo 1\necho 2\n",
      structuredPatch: [
        {
          oldStart: 1,
          oldLines: 2,
          newStart: 1,
          newLines: 2,
          lines: [" echo 1", "-echo 2", "+echo 3"],
        },
      ],
    });
  });

  it("writes nothing when the content is there already", async () => {
    const { call, root } = sessionOver({ "a.txt": "same" });
    fs.utimesSync(join(root, "a.txt"), 1, 1);
    const result = await call("Write", { file_path: "a.txt", content: "same" });
    expect(result["metrics"]).toMatchObject({ optimization: "no_op", writes: 0 });
    expect(fs.statSync(join(root, "a.txt")).mtimeMs).toBe(1000);
  });
});

describe("Edit", () => {
  it("replaces a unique text and returns what agents expect", async () => {
    const { call, text, root } = sessionOver({ "a.ts": "let a = 1;\nlet b = 2;\n" });
    const edit = { file_path: join(root, "a.ts"), old_string: "b = 2", new_string: "b = $&" };
    const result = await call("Edit", edit);
    expect(text("a.ts")).toBe("let a = 1;\nlet b = $&;\n");
    expect(result).toMatchObject({
      filePath: join(root, "a.ts"),
      oldString: "b = 2",
      newString: "b = $&",
      originalFile: "let a = 1;\nlet b = 2;\n",
      replaceAll: false,
      userModified: false,
      staged: true,
    });
  });

  it("keeps CRLF, a byte order mark, trailing spaces and quotes", async () => {
    const { call, text } = sessionOver({ "a.txt": "\ufeff“one”  \r\ntwo\r\nthree" });
    await call("Edit", { file_path: "a.txt", old_string: "two\nthree", new_string: "2\n3\n" });
    expect(text("a.txt")).toBe("\ufeff“one”  \r\n2\r\n3\r\n");
  });

  it("creates a file from an empty old_string, and refuses one that has content", async () => {
    const { call, text } = sessionOver({ "a.txt": "x" });
    await call("Edit", { file_path: "n.txt", old_string: "", new_string: "new" });
    expect(text("n.txt")).toBe("new");
    const edit = { file_path: "a.txt", old_string: "", new_string: "y" };
    expect((await refusal(call("Edit", edit))).message).toMatch(/is not/);
  });

  it.each([
    [{ old_string: "a", new_string: "a" }, /the same/],
    [{ old_string: "zz", new_string: "a" }, /not found/],
    [{ old_string: "a", new_string: "b" }, /occurs 2 times/],
  ])("refuses %o", async (edit, message) => {
    const { call, text } = sessionOver({ "a.txt": "a a" });
    const error = await refusal(call("Edit", { file_path: "a.txt", ...edit }));
    expect(error.message).toMatch(message);
    expect(text("a.txt")).toBe("a a");
  });

  it("refuses notebooks and missing files", async () => {
    const { call } = sessionOver({ "a.ipynb": "{}" });
    const edit = { old_string: "a", new_string: "b" };
    expect((await refusal(call("Edit", { file_path: "a.ipynb", ...edit }))).message).toMatch(
      /NotebookEdit/,
    );
    expect((await refusal(call("Edit", { file_path: "none", ...edit }))).message).toMatch(
      /no such file/,
    );
  });
});

describe("MultiEdit", () => {
  it("edits one file in order, with one read and one write", async () => {
    const { call, text } = sessionOver({ "a.txt": "1 2 3" });
    const edits = ["1", "2", "3"].map((digit) => ({ old_string: digit, new_string: `${digit}0` }));
    const result = await call("MultiEdit", { file_path: "a.txt", edits });
    expect(text("a.txt")).toBe("10 20 30");
    expect(result).toMatchObject({
      totalEdits: 3,
      staged: true,
      files: [{ replacements: [1, 1, 1] }],
      metrics: { optimization: "coalesce", reads: 1, writes: 1, savedReads: 2, savedWrites: 2 },
    });
  });

  // anthropics/claude-code#11125, openclaude#2157.
  it("edits many files, all or none", async () => {
    const { call, root } = sessionOver({ "a.txt": "a", "b.txt": "b" });
    const before = treeOf(root);
    const edit = (path: string, from: string) => ({
      file_path: path,
      edits: [{ old_string: from, new_string: from.toUpperCase() }],
    });
    const failing = call("MultiEdit", { file_edits: [edit("a.txt", "a"), edit("b.txt", "x")] });
    expect((await refusal(failing)).message).toMatch(/b\.txt failed, no changes were applied/);
    expect(treeOf(root)).toEqual(before);
    await call("MultiEdit", { file_edits: [edit("a.txt", "a"), edit("b.txt", "b")] });
    expect(treeOf(root)).toMatchObject({ "a.txt": "644 41", "b.txt": "644 42" });
  });

  it("refuses an empty list, and both forms at once", async () => {
    const { call } = sessionOver({ "a.txt": "a" });
    for (const input of [{ file_path: "a.txt", edits: [] }, { file_path: "a.txt" }, {}]) {
      expect((await refusal(call("MultiEdit", input))).code).toBe("DRAFT_TOOL_INPUT");
    }
  });
});

describe("with a ledger of what was read", () => {
  const edit = { file_path: "a.txt", old_string: "a", new_string: "b" };

  it("refuses to change a file that was not read, and lets new ones be made", async () => {
    const { call, text } = sessionOver({ "a.txt": "a" }, new ReadLedger());
    expect((await refusal(call("Edit", edit))).message).toMatch(/not been read/);
    expect((await refusal(call("Write", { file_path: "a.txt", content: "" }))).message).toMatch(
      /not been read/,
    );
    await call("Write", { file_path: "n.txt", content: "a" });
    await call("Write", { file_path: "n.txt", content: "b" });
    await call("Read", { file_path: "a.txt" });
    await call("Edit", edit);
    await call("Edit", { ...edit, old_string: "b", new_string: "c" });
    expect(text("a.txt")).toBe("c");
  });

  // anthropics/claude-code#7443, #8216, #11869, #11976, #12330, #12981, #21201, #69876.
  it("judges by content: a touched file is fresh, a changed one is not", async () => {
    const { call, root } = sessionOver({ "a.txt": "a" }, new ReadLedger());
    await call("Read", { file_path: "a.txt" });
    fs.utimesSync(join(root, "a.txt"), 9e9, 9e9);
    await call("Write", { file_path: "a.txt", content: "a a" });
    fs.writeFileSync(join(root, "a.txt"), "changed");
    fs.utimesSync(join(root, "a.txt"), 1, 1);
    expect((await refusal(call("Write", { file_path: "a.txt", content: "x" }))).message).toMatch(
      /has changed since/,
    );
  });

  it("lets an edit through whose text is still there once, with a warning", async () => {
    const { call, root, text } = sessionOver({ "a.txt": "a" }, new ReadLedger());
    await call("Read", { file_path: "a.txt" });
    fs.writeFileSync(join(root, "a.txt"), "new line\na");
    expect((await call("Edit", edit))["warnings"]).toHaveLength(1);
    expect(text("a.txt")).toBe("new line\nb");
    fs.writeFileSync(join(root, "a.txt"), "a a");
    const all = { ...edit, replace_all: true };
    expect((await refusal(call("Edit", all))).message).toMatch(/has changed since/);
  });

  it("only warns under the advisory policy", async () => {
    const { call, text } = sessionOver({ "a.txt": "a" }, new ReadLedger("advisory"));
    expect((await call("Edit", edit))["warnings"]).toHaveLength(1);
    expect(text("a.txt")).toBe("b");
  });
});

describe("Read", () => {
  it("returns lines from 1, with plain newlines", async () => {
    const { call } = sessionOver({ "a.txt": "\ufeff1\r\n2\r\n3\r\n4" });
    expect(await call("Read", { file_path: "a.txt", offset: 2, limit: 2 })).toMatchObject({
      type: "text",
      file: { content: "2\n3", numLines: 2, startLine: 2, totalLines: 4 },
    });
    expect(await call("Read", { file_path: "a.txt" })).toMatchObject({
      file: { content: "1\n2\n3\n4", totalLines: 4 },
    });
  });

  it("asks for a part of a large file", async () => {
    const { call } = sessionOver({ "a.txt": "line\n".repeat(60_000) });
    expect((await refusal(call("Read", { file_path: "a.txt" }))).message).toMatch(
      /offset and limit/,
    );
    expect(await call("Read", { file_path: "a.txt", limit: 1 })).toMatchObject({
      file: { content: "line", totalLines: 60_000 },
    });
    expect(await call("Read", { file_path: "a.txt", allow_large: true })).toMatchObject({
      file: { numLines: 2000 },
    });
  });

  it("returns images as base64 and refuses other binary files, directories and nothing", async () => {
    const { call } = sessionOver({ "a.png": Uint8Array.of(1, 0, 2), "b.bin": Uint8Array.of(0, 1) });
    expect(await call("Read", { file_path: "a.png" })).toMatchObject({
      type: "image",
      file: { base64: "AQAC", type: "image/png", originalSize: 3 },
    });
    expect((await refusal(call("Read", { file_path: "b.bin" }))).message).toMatch(/binary/);
    expect((await refusal(call("Read", { file_path: "." }))).message).toMatch(/directory/);
    expect((await refusal(call("Read", { file_path: "x" }))).message).toMatch(/no file/);
  });

  it("shows text of an unknown encoding with a warning, and lets it be edited", async () => {
    const bytes = Buffer.from("caf\xe9\nx\n", "latin1");
    const { call, root } = sessionOver({ "a.txt": bytes, "b.bin": "\0" }, new ReadLedger());
    expect(await call("Read", { file_path: "a.txt" })).toMatchObject({
      file: { content: "caf\ufffd\nx", totalLines: 2 },
      warnings: [expect.stringMatching(/not UTF-8/)],
    });
    await call("Edit", { file_path: "a.txt", old_string: "x", new_string: "y" });
    expect(fs.readFileSync(join(root, "a.txt"), "latin1")).toBe("caf\xe9\ny\n");
    await refusal(call("Read", { file_path: "b.bin" }));
    const unseen = refusal(call("Write", { file_path: "b.bin", content: "" }));
    expect((await unseen).message).toMatch(/not been read/);
  });

  it("is refused what no encoding holds", async () => {
    const { call, root } = sessionOver({});
    const half = call("Write", { file_path: "a.txt", content: "a\ud800b" });
    expect((await refusal(half)).message).toMatch(/surrogate/);
    expect(treeOf(root)).toEqual({});
  });
});

describe("Move, Delete and MakeDirectory", () => {
  // can1357/oh-my-pi#4074, #4111.
  it("move a directory with its content, and never over something by accident", async () => {
    const { call, root } = sessionOver({ "a/b.txt": "b", "c.txt": "c" });
    expect(
      (await refusal(call("Move", { source: "a/b.txt", destination: "c.txt" }))).message,
    ).toMatch(/exists/);
    await call("Move", { source: "a", destination: "x/y" });
    await call("Move", { source: "x/y/b.txt", destination: "c.txt", overwrite: true });
    expect(treeOf(root)).toEqual({ "c.txt": "644 62", x: "/", "x/y": "/" });
  });

  it("delete files, links themselves, and trees only on request", async () => {
    const { call, root } = sessionOver({ "a/b.txt": "b", "c.txt": "c" });
    fs.symlinkSync("c.txt", join(root, "link"));
    expect(await call("Delete", { path: "link" })).toMatchObject({ kind: "symlink", staged: true });
    await expect(call("Delete", { path: "a" })).rejects.toThrow(/ENOTEMPTY/);
    await call("Delete", { path: "a", recursive: true });
    expect((await refusal(call("Delete", { path: "a" }))).message).toMatch(/nothing/);
    expect((await refusal(call("Delete", { path: ".", recursive: true }))).message).toMatch(/root/);
    expect(treeOf(root)).toEqual({ "c.txt": "644 63" });
  });

  it("make directories with their parents", async () => {
    const { call, root } = sessionOver({});
    expect(await call("MakeDirectory", { path: "a/b" })).toMatchObject({ created: true });
    expect(await call("MakeDirectory", { path: "a/b" })).toMatchObject({ created: false });
    expect(treeOf(root)).toEqual({ a: "/", "a/b": "/" });
  });
});

describe("List and Glob", () => {
  it("list names with their kinds, without the state directory", async () => {
    const { call, root } = sessionOver({ "b.txt": "", "a/x": "", ".draftfs/format": "" });
    fs.symlinkSync("b.txt", join(root, "link"));
    expect((await call("List", { ignore: ["*.txt"] }))["entries"]).toEqual([
      { name: "a", kind: "directory" },
      { name: "link", kind: "symlink" },
    ]);
  });

  it("find files by pattern, the newest first, at most a hundred", async () => {
    const files = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`src/d/${n}.ts`, ""]));
    const { call, root } = sessionOver({ ...files, "src/old.ts": "", "a.js": "", ".git/x.ts": "" });
    fs.utimesSync(join(root, "src/d/7.ts"), 9e9, 9e9);
    fs.utimesSync(join(root, "src/old.ts"), 1, 1);
    const all = await call("Glob", { pattern: "**/*.ts" });
    expect(all).toMatchObject({ numFiles: 121, truncated: true });
    expect(all["filenames"]).toHaveLength(100);
    expect((all["filenames"] as string[])[0]).toBe(join(root, "src/d/7.ts"));
    expect((await call("Glob", { pattern: "*.{ts,js}", path: root }))["filenames"]).toEqual([
      join(root, "a.js"),
    ]);
    expect((await call("Glob", { pattern: "src/o[a-m]d.?s" }))["numFiles"]).toBe(1);
  });
});

describe("Grep", () => {
  const files = {
    "a.ts": "import x;\nfunction one() {}\nfunction two() {}\n",
    "b/c.md": "one\r\nTwo\r\nthree\r\n",
    "d.bin": Uint8Array.of(0x6f, 0x6e, 0x65, 0),
    "logs/e.log": "one\n",
    ".gitignore": "*.log\n",
  };

  it("finds what grep finds", async () => {
    const { call, root } = sessionOver(files);
    const result = await call("Grep", { pattern: "[ot]w?one?|three", output_mode: "content" });
    const expected = execFileSync(
      "grep",
      ["-rnIE", "--exclude=*.log", "[ot]w?one?|three", "a.ts", "b", ".gitignore"],
      { cwd: root, encoding: "utf8" },
    );
    expect(result["content"]).toBe(expected.replaceAll("\r", "").trimEnd());
  });

  it("names the files, counts, pages and filters", async () => {
    const { call, root } = sessionOver(files);
    expect(await call("Grep", { pattern: "one" })).toMatchObject({
      mode: "files_with_matches",
      filenames: [join(root, "a.ts"), join(root, "b/c.md")],
      numFiles: 2,
    });
    expect(await call("Grep", { pattern: "two", "-i": true, output_mode: "count" })).toMatchObject({
      content: "a.ts:1\nb/c.md:1",
      numMatches: 2,
    });
    expect((await call("Grep", { pattern: "one", type: "md" }))["numFiles"]).toBe(1);
    expect((await call("Grep", { pattern: "one", type: "constructor" }))["numFiles"]).toBe(0);
    expect((await call("Grep", { pattern: "one", glob: "*.ts" }))["numFiles"]).toBe(1);
    expect((await call("Grep", { pattern: "one", head_limit: 1, offset: 1 }))["filenames"]).toEqual(
      [join(root, "b/c.md")],
    );
    expect((await call("Grep", { pattern: "one", path: "logs/e.log" }))["numFiles"]).toBe(1);
  });

  it("shows context, and matches across lines on request", async () => {
    const { call } = sessionOver(files);
    const context = { pattern: "two", output_mode: "content", "-B": 1, glob: "a.ts" };
    expect((await call("Grep", context))["content"]).toBe(
      "a.ts-2-function one() {}\na.ts:3:function two() {}",
    );
    const spanning = { pattern: "x;.*one", output_mode: "content", glob: "a.ts" };
    expect((await call("Grep", spanning))["content"]).toBe("");
    expect((await call("Grep", { ...spanning, multiline: true }))["content"]).toBe(
      "a.ts:1:import x;\na.ts:2:function one() {}",
    );
  });

  it("says what is wrong with a pattern", async () => {
    const { call } = sessionOver(files);
    expect((await refusal(call("Grep", { pattern: "a(" }))).message).toMatch(/Escape/);
  });
});
