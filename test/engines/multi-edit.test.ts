import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type Edit, replaceText } from "../../src/engines/coalesce/edit.ts";
import { multiEdit } from "../../src/engines/coalesce/multi-edit.ts";
import { isDraftError } from "../../src/errors.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { plainOverlay, plant, treeOf, watchedFs } from "./support/plain-overlay.ts";

function edited(content: string | Buffer, ...edits: Edit[]): Buffer {
  const overlay = plainOverlay();
  plant(overlay.root, { "file.txt": content });
  multiEdit(overlay, "file.txt", edits);
  return fs.readFileSync(join(overlay.root, "file.txt"));
}

function failure(content: string, ...edits: Edit[]) {
  try {
    edited(content, ...edits);
  } catch (error) {
    if (isDraftError(error)) return error;
    throw error;
  }
  throw new Error("expected the edits to fail");
}

describe("multiEdit", () => {
  it("applies each edit on the result of the one before", () => {
    expect(edited("one\n", replaceText("one", "two"), replaceText("two", "three")).toString()).toBe(
      "three\n",
    );
  });

  it("reads and writes a file once, however many edits it gets", () => {
    const { fs: counted, calls } = watchedFs();
    const overlay = plainOverlay(undefined, counted);
    plant(overlay.root, { "a.txt": "0 1 2 3 4" });
    const edits = [0, 1, 2, 3, 4].map((digit) => replaceText(`${digit}`, `<${digit}>`));
    const result = multiEdit(overlay, "a.txt", edits);
    expect([calls.get("readFileSync"), calls.get("writeFileSync")]).toEqual([1, 1]);
    expect(result).toMatchObject({ edits: 5, reads: 1, writes: 1, bytesWritten: 19 });
  });

  it("edits many files at once", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "a.txt": "a", "b/c.txt": "c" });
    multiEdit(overlay, {
      "a.txt": [replaceText("a", "A")],
      "b/c.txt": [replaceText("c", "C")],
      "new/d.txt": [replaceText("", "d"), replaceText("d", "D")],
    });
    expect(treeOf(overlay.root)).toMatchObject({
      "a.txt": "644 41",
      "b/c.txt": "644 43",
      "new/d.txt": "644 44",
    });
  });

  // anthropics/claude-code#1263, #5234, bolt-cli#144, Reasonix#458, openclaw#5619, wildgecu#78.
  it("changes no file when an edit of any file fails", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "a.txt": "a", "b.txt": "b" });
    const before = treeOf(overlay.root);
    const edits = { "a.txt": [replaceText("a", "A")], "b.txt": [replaceText("x", "y")] };
    expect(() => multiEdit(overlay, edits)).toThrow(/b\.txt/);
    expect(treeOf(overlay.root)).toEqual(before);
  });

  it("takes back the first files when writing a later one fails", () => {
    const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    const { fs: failing } = watchedFs((name, path) =>
      name === "writeFileSync" && String(path).endsWith("b.txt") ? full : undefined,
    );
    const overlay = plainOverlay(undefined, failing);
    plant(overlay.root, { "a.txt": "a", "b.txt": "b" });
    const before = treeOf(overlay.root);
    const edits = { "a.txt": [replaceText("a", "A")], "b.txt": [replaceText("b", "B")] };
    expect(() => multiEdit(overlay, edits)).toThrow("ENOSPC");
    expect(treeOf(overlay.root)).toEqual(before);
  });

  it("writes nothing when the edits cancel each other", () => {
    const { fs: counted, calls } = watchedFs();
    const overlay = plainOverlay(undefined, counted);
    plant(overlay.root, { "a.txt": "abc" });
    const result = multiEdit(overlay, "a.txt", [replaceText("b", "x"), replaceText("x", "b")]);
    expect(calls.has("writeFileSync")).toBe(false);
    expect(result.files[0]?.written).toBe(false);
  });

  it("replaces every occurrence on request, and never looks at its own replacements", () => {
    expect(edited("aaa a", replaceText("a", "aa", true)).toString()).toBe("aaaaaa aa");
    expect(edited("aaaa", replaceText("aa", "a", true)).toString()).toBe("aa");
    expect(edited("x$x", replaceText("x", "$&$1`", true)).toString()).toBe("$&$1`$$&$1`");
  });

  it("takes thousands of edits of lines of a long file in its stride", () => {
    const before = Array.from({ length: 200_000 }, (_, index) => `line ${index}\r\n`);
    const after = before.map((line, index) => (index % 40 === 0 ? `${index}\n` : line));
    const edits = after.flatMap((line, index): Edit[] => {
      const here = index + 1;
      return index % 40 === 0 ? [{ kind: "lines", first: here, last: here, text: line }] : [];
    });
    expect(edits).toHaveLength(5000);
    expect(edited(before.join(""), ...edits).toString() === after.join("")).toBe(true);
  });

  it("replaces thousands of occurrences at once", () => {
    const edits: Edit[] = [
      { kind: "bytes", offset: 1, length: 1, bytes: Buffer.from("-") },
      { kind: "lines", first: 1, last: 0, text: "top\n" },
      replaceText("ab", "é$&", true),
      { kind: "lines", first: 2, last: 2, text: "" },
      replaceText("é$&", "", true),
    ];
    const some = "x ab, abab\n".repeat(2000);
    const expected = "x , \n".repeat(1999);
    expect(edited(some, ...edits).toString()).toBe(`top\n${expected}`);
    expect(edited("ab".repeat(5000), replaceText("ab", "", true))).toHaveLength(0);
  });

  it("sees one file behind a symbolic link and a hard link", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { "a.txt": "a b c" });
    fs.symlinkSync("a.txt", join(overlay.root, "soft"));
    fs.linkSync(join(overlay.root, "a.txt"), join(overlay.root, "hard"));
    multiEdit(overlay, {
      "a.txt": [replaceText("a", "A")],
      soft: [replaceText("b", "B")],
      hard: [replaceText("c", "C")],
    });
    expect(fs.readFileSync(join(overlay.root, "a.txt"), "utf8")).toBe("A B C");
    expect(fs.lstatSync(join(overlay.root, "soft")).isSymbolicLink()).toBe(true);
    expect(fs.statSync(join(overlay.root, "hard")).nlink).toBe(2);
  });

  it("edits lines and bytes", () => {
    const line = (first: number, last: number, text: string): Edit => ({
      kind: "lines",
      first,
      last,
      text,
    });
    expect(edited("1\n2\n3\n", line(2, 2, "two\n")).toString()).toBe("1\ntwo\n3\n");
    expect(edited("1\n2\n3", line(2, 1, "1.5\n")).toString()).toBe("1\n1.5\n2\n3");
    expect(edited("1\n2\n3", line(3, 3, "")).toString()).toBe("1\n2\n");
    expect(edited("1\n", line(2, 1, "2\n")).toString()).toBe("1\n2\n");
    // A last line without its ending is still a line of its own.
    expect(edited("1\n2", line(3, 2, "3\n")).toString()).toBe("1\n2\n3\n");
    expect(edited("1\r\n2", line(3, 2, "3")).toString()).toBe("1\r\n2\r\n3");
    expect(edited("1", line(2, 1, "2")).toString()).toBe("1\n2");
    expect(edited("1", line(2, 1, "")).toString()).toBe("1");
    const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, "utf16le");
    const appended = edited(utf16("1\r\n2"), line(3, 2, "3"));
    expect(appended.equals(utf16("1\r\n2\r\n3"))).toBe(true);
    expect(edited("\ufeff1\r\n2\r\n", line(1, 1, "one\r\n")).toString()).toBe("\ufeffone\r\n2\r\n");
    const bytes = Buffer.from([0, 0xff, 0x80, 0x0d, 0]);
    const patch: Edit = { kind: "bytes", offset: 1, length: 2, bytes: Uint8Array.of(1, 2, 3) };
    expect([...edited(bytes, patch)]).toEqual([0, 1, 2, 3, 0x0d, 0]);
  });
});

describe("multiEdit keeps the bytes it was not asked to change", () => {
  const crlf = "\ufeffone  \r\ntwo\nthree\r\nfour\t";

  it("with mixed line endings, a byte order mark, trailing spaces and no final newline", () => {
    expect(edited(crlf, replaceText("two", "2")).toString()).toBe(crlf.replace("two", "2"));
  });

  it("in binary content around the edit", () => {
    const content = Buffer.concat([
      Buffer.from([0xff, 0, 0xc3]),
      Buffer.from("key=1"),
      Buffer.from([0x80]),
    ]);
    const expected = Buffer.concat([
      Buffer.from([0xff, 0, 0xc3]),
      Buffer.from("key=22"),
      Buffer.from([0x80]),
    ]);
    expect(edited(content, replaceText("key=1", "key=22")).equals(expected)).toBe(true);
  });

  it("in UTF-16, in both byte orders", () => {
    const little = Buffer.from("\ufeffnaïve ĀĀ text\r\n", "utf16le");
    const wanted = Buffer.from("\ufeffsmart ĀĀ text\r\n", "utf16le");
    expect(edited(little, replaceText("naïve", "smart")).equals(wanted)).toBe(true);
    const big = Buffer.from(little).swap16();
    expect(edited(big, replaceText("naïve", "smart")).equals(Buffer.from(wanted).swap16())).toBe(
      true,
    );
  });

  it("compares bytes: a newline is not a carriage return and a newline", () => {
    expect(failure("a\r\nb", replaceText("a\nb", "c")).details["nearest"]).toMatchObject({
      hint: "only the line endings differ",
    });
  });

  it("lets a newline match either ending on request, and writes the ending of the place", () => {
    const match = (oldText: string, newText: string): Edit => ({
      kind: "string",
      oldText,
      newText,
      lineEndings: "match",
    });
    expect(edited("a\r\nb\r\nc\r\n", match("a\nb\n", "x\ny\nz\n")).toString()).toBe(
      "x\r\ny\r\nz\r\nc\r\n",
    );
    expect(edited("a\r\nb\nc\n", match("a\nb\nc", "a\nB\nc")).toString()).toBe("a\r\nB\nc\n");
    expect(edited("a\r\nb\r\n", match("b", "b\nc")).toString()).toBe("a\r\nb\r\nc\r\n");
    expect(edited("a\nb\r\n", match("a", "a\nA")).toString()).toBe("a\nA\nb\r\n");
    expect(edited("x\r\n\r\ny", match("\n\n", "\n")).toString()).toBe("x\r\ny");
    expect(failure("a\nb\r\na\r\nb", match("a\nb", "c")).details["matches"]).toBe(2);
  });
});

describe("a failing edit", () => {
  it("names its place in the list and says that nothing was applied", () => {
    const error = failure("one", replaceText("one", "two"), replaceText("one", "three"));
    expect(error.code).toBe("DRAFT_EDIT_FAILED");
    expect(error.message).toMatch(/^Edit 2 of 2 of file\.txt failed, no changes were applied: /);
    expect(error.details).toMatchObject({ index: 1, reason: "not_found", matches: 0 });
  });

  it("counts the matches of a text that is not unique", () => {
    expect(failure("a a a", replaceText("a", "b")).details).toMatchObject({
      reason: "not_unique",
      matches: 3,
    });
  });

  it("shows the nearest miss and what the difference comes down to", () => {
    const content = "function a() {\n\treturn loadUser(id);\n}\n\nfunction b() {\n  return 1;\n}\n";
    expect(
      failure(content, replaceText("    return loadUser(id);", "x")).details["nearest"],
    ).toMatchObject({ line: 2, hint: "only spaces, tabs or line breaks differ" });
    expect(
      failure(content, replaceText("return loaduser(id);", "x")).details["nearest"],
    ).toMatchObject({ line: 2, hint: "only upper and lower case differ" });
    expect(
      failure(content, replaceText("return loadUsers(key);", "x")).details["nearest"],
    ).toMatchObject({ line: 2, hint: undefined });
    expect(failure(content, replaceText("zzzz qqqq", "x")).details["nearest"]).toBeUndefined();
  });

  it.each([
    ["no_change", replaceText("a", "a")],
    ["empty_search", replaceText("", "a")],
    ["not_encodable", replaceText("a", "\ud83d")],
    ["out_of_range", { kind: "lines", first: 3, last: 3, text: "x" }],
    ["out_of_range", { kind: "lines", first: 1.5, last: 2, text: "x" }],
    ["out_of_range", { kind: "bytes", offset: 1, length: 9, bytes: new Uint8Array(0) }],
  ] satisfies [string, Edit][])("says %s", (reason, edit) => {
    expect(failure("a\nb\n", edit).details["reason"]).toBe(reason);
  });

  it("says that the file is missing, and that a list is empty", () => {
    const overlay = plainOverlay();
    expect(() => multiEdit(overlay, "none", [replaceText("a", "b")])).toThrow(/no such file/);
    expect(() => multiEdit(overlay, "none", [])).toThrow(/empty/);
    expect(() => multiEdit(overlay, ".", [replaceText("a", "b")])).toThrow(/EISDIR/);
  });
});

describe("multiEdit, as every engine,", () => {
  const edits = [replaceText("a", "A"), replaceText("b", "B")];

  it("is measured", () => {
    const seen: Measurement[] = [];
    const overlay = plainOverlay();
    plant(overlay.root, { a: "a b" });
    const observer = (measurement: Measurement) => seen.push(measurement);
    multiEdit(overlay, { a: edits }, { observer });
    multiEdit(overlay, { a: [replaceText("A", "c")], b: [replaceText("", "d")] }, { observer });
    const coalesced = { optimization: "coalesce", baselineCalls: 4, gain: 0.5 };
    expect(seen).toMatchObject([
      { operation: "multi_edit", path: "a", ...coalesced },
      { operation: "multi_edit", path: undefined },
    ]);
  });

  it("takes the standard path when optimisation is off, all or none all the same", () => {
    const overlay = plainOverlay();
    plant(overlay.root, { a: "a b", b: "a b" });
    const off = { settings: { enabled: false } };
    const result = multiEdit(overlay, "a", edits, off);
    expect(result).toMatchObject({ reads: 2, writes: 2, files: [{ replacements: [1, 1] }] });
    vi.stubEnv("WRITE_OPTIMIZATION_LEGACY", "true");
    const failing = () => multiEdit(overlay, { b: edits, a: [...edits, ...edits] });
    expect(failing).toThrow(/Edit 1 of 4 of a failed/);
    vi.unstubAllEnvs();
    expect(fs.readFileSync(join(overlay.root, "a"), "utf8")).toBe("A B");
    expect(fs.readFileSync(join(overlay.root, "b"), "utf8")).toBe("a b");
  });

  it("falls back to the standard path when the engine fails, once and visibly", () => {
    // The standard path does not look at names before it writes, the engine does.
    const broken = new Error("the engine broke");
    const { fs: failing } = watchedFs((name) => (name === "lstatSync" ? broken : undefined));
    const overlay = plainOverlay(undefined, failing);
    plant(overlay.root, { a: "a b" });
    const told: unknown[] = [];
    const seen: Measurement[] = [];
    const result = multiEdit(overlay, "a", edits, {
      onFallback: (error) => told.push(error),
      observer: (measurement) => seen.push(measurement),
    });
    expect(result).toMatchObject({ reads: 2, writes: 2, fallback: broken });
    expect(told).toEqual([broken]);
    expect(seen).toMatchObject([{ outcome: "fell_back", optimization: "none", gain: 0 }]);
    expect(fs.readFileSync(join(overlay.root, "a"), "utf8")).toBe("A B");
  });
});
