import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineOverlay } from "../../src/engines/overlay-port.ts";
import { findTool } from "../../src/tools/tool-registry.ts";
import { layerOverlay } from "../engines/support/layer-overlay.ts";
import {
  plainOverlay,
  plant,
  temporaryDirectory,
  watchedFs,
} from "../engines/support/plain-overlay.ts";

function session(files: Record<string, string>) {
  const overlay = plainOverlay();
  plant(overlay.root, files);
  return {
    root: overlay.root,
    call: async (name: string, input: object) =>
      (await findTool(name)?.call({ overlay }, input)) as Record<string, unknown>,
  };
}

describe("Grep", () => {
  it("takes a leading (?i), (?s) or (?m)", async () => {
    const { call } = session({ a: "One\ntwo\n" });
    const content = { output_mode: "content", "-n": false };
    expect((await call("Grep", { pattern: "(?i)ONE", ...content }))["content"]).toBe("a:One");
    const spanning = { pattern: "(?s)One.two", multiline: true, ...content };
    expect((await call("Grep", spanning))["content"]).toBe("a:One\na:two");
    expect((await call("Grep", { pattern: "(?m)^two$", ...content }))["content"]).toBe("a:two");
  });

  it.each([
    ["^.$", ["emoji", "letter"]],
    ["^\\p{L}$", ["letter"]],
    ["^[\\p{L}\\d]+$", ["digits", "letter"]],
    ["^\\u{1f600}$", ["emoji"]],
    ["^[[:digit:]]+$", ["digits"]],
    ["^[^[:digit:][:space:]]+$", ["emoji", "letter", "members"]],
    ["[[:punct:]]a[[:punct:]]$", ["members"]],
    ["^[:]", []],
    ["\\[[:alpha:]\\]$", ["members"]],
    ["^\\(\\-{", []],
    ["d{", ["braces"]],
    ["[\\w-.]+", ["braces", "digits", "members"]],
  ])("reads %s as ripgrep does, or as JavaScript", async (pattern, names) => {
    const files = {
      emoji: "\u{1f600}\n",
      letter: "\u00e9\n",
      digits: "12\n",
      members: "x[a]\n",
      braces: "d{ }\n",
    };
    const { call, root } = session(files);
    const { filenames } = await call("Grep", { pattern });
    expect(filenames).toEqual(names.map((name) => join(root, name)));
  });

  it.each([
    ["*.ts", ["a.ts", "src/a.ts", "src/b/c.ts"]],
    ["/*.ts", ["a.ts"]],
    ["./src/*.ts", ["src/a.ts"]],
    ["/src/**", ["src/a.ts", "src/b/c.ts"]],
    ["!*.ts", ["!x", "b.js"]],
    ["!src/**", ["!x", "a.ts", "b.js"]],
    ["!/a.ts", ["!x", "b.js", "src/a.ts", "src/b/c.ts"]],
    ["\\!x", ["!x"]],
  ])("takes the glob %s as ripgrep does", async (glob, names) => {
    const files = ["a.ts", "src/a.ts", "src/b/c.ts", "b.js", "!x"];
    const { call, root } = session(Object.fromEntries(files.map((name) => [name, "x\n"])));
    const { filenames } = await call("Grep", { pattern: "x", glob });
    expect(filenames).toEqual(names.map((name) => join(root, name)));
  });

  it("refuses a property that does not exist, in place of finding its letters", async () => {
    const { call } = session({ a: "p{Letr}\n" });
    await expect(call("Grep", { pattern: "\\p{Letr}" })).rejects.toMatchObject({
      code: "DRAFT_TOOL_INPUT",
    });
  });

  it("names the files that are too large, and leaves out links", async () => {
    const { call, root } = session({ a: "x" });
    fs.truncateSync(join(root, "a"), 64 * 1024 * 1024 + 1);
    fs.symlinkSync("a", join(root, "link"));
    expect(await call("Grep", { pattern: "x" })).toMatchObject({
      numFiles: 0,
      skipped: [join(root, "a")],
    });
  });

  it("pages through lines and counts over the bounds of files, and counts all files", async () => {
    const { call, root } = session({ a: "x1\nx2\n", b: "x3\n", c: "x4\nx5\n" });
    const lines = { pattern: "x", output_mode: "content", "-n": false };
    expect(await call("Grep", { ...lines, offset: 1, head_limit: 3 })).toMatchObject({
      content: "a:x2\nb:x3\nc:x4",
      numLines: 3,
      numFiles: 3,
      filenames: [join(root, "a"), join(root, "b"), join(root, "c")],
      appliedLimit: 3,
      appliedOffset: 1,
    });
    expect(await call("Grep", { ...lines, head_limit: 0 })).toMatchObject({ numLines: 5 });
    const counts = { pattern: "x", output_mode: "count", head_limit: 1, offset: 2 };
    expect(await call("Grep", counts)).toMatchObject({ content: "c:2", numMatches: 5 });
    const many = session({ d: "x\n".repeat(300) });
    expect((await many.call("Grep", lines))["numLines"]).toBe(250);
  });
});

describe("Grep and Glob", () => {
  it("go on where something may not be read, and say so", async () => {
    const denied = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    const root = temporaryDirectory();
    plant(root, { "a/x": "x", "b/x": "x", "c/x": "x", "c/.gitignore": "x\n" });
    const closed = ["a", "b/x", "c/.gitignore"].map((path) => join(root, path));
    const { fs: watched } = watchedFs((name, path) =>
      name.startsWith("read") && closed.includes(String(path)) ? denied : undefined,
    );
    const overlay = plainOverlay(root, watched);
    const run = async (name: string, input: object) => findTool(name)?.call({ overlay }, input);
    expect(await run("Grep", { pattern: "x", glob: "x" })).toMatchObject({
      filenames: [join(root, "c/x")],
      skipped: [join(root, "a"), join(root, "b/x")],
    });
    expect(await run("Glob", { pattern: "**/x" })).toMatchObject({
      numFiles: 2,
      skipped: [join(root, "a")],
    });
    await expect(run("Grep", { pattern: "x", path: "a" })).rejects.toThrow(/EACCES/);
  });

  it("take a pattern that begins with a point and a slash", async () => {
    const { call, root } = session({ "src/a.ts": "x", "a.ts": "x" });
    const filenames = [join(root, "src/a.ts")];
    expect(await call("Glob", { pattern: "./src/*.ts" })).toMatchObject({ filenames });
    expect(await call("Glob", { pattern: "./*.ts", path: "src" })).toMatchObject({ filenames });
  });

  it("go on past names that are not UTF-8, and say so", async () => {
    const { call, root } = session({ "a.txt": "x", "z/b.txt": "x" });
    const odd = (name: string) => Buffer.concat([Buffer.from(join(root, name)), Buffer.of(0xff)]);
    fs.mkdirSync(odd("d"));
    fs.writeFileSync(odd("f"), "x");
    const skipped = [join(root, "d\ufffd")];
    expect(await call("Glob", { pattern: "**/*.txt" })).toMatchObject({ numFiles: 2, skipped });
    expect(await call("Grep", { pattern: "x" })).toMatchObject({
      filenames: [join(root, "a.txt"), join(root, "z/b.txt")],
      skipped: [join(root, "f\ufffd"), ...skipped],
    });
  });

  it("run four at a time, all of them to their end", async () => {
    const layer = layerOverlay();
    const names = Array.from({ length: 6 }, (_, n) => `d${n}`);
    // So many names that each search gives way to the others in the middle; in memory, since the
    // disk would take most of the time.
    for (const name of names) {
      layer.fs.mkdirSync(name);
      for (let n = 0; n < 520; n++) layer.fs.writeFileSync(`${name}/${n}`, "x");
    }
    const begun: unknown[] = [];
    const overlay: EngineOverlay = {
      root: layer.root,
      fs: new Proxy(layer.fs, {
        get(target, name) {
          if (name !== "readdirSync") return Reflect.get(target, name);
          return (...given: unknown[]) => {
            begun.push(given[0]);
            return Reflect.apply(target.readdirSync, target, given);
          };
        },
      }),
      savepoint: () => 0,
      rollback: () => {},
      release: () => {},
    };
    const atEnds: number[] = [];
    const search = async (path: string) => {
      const found = await findTool("Grep")?.call({ overlay }, { pattern: "x", path });
      atEnds.push(begun.length);
      return found;
    };
    const results = await Promise.all(names.map(search));
    expect(results).toMatchObject(names.map(() => ({ numFiles: 520 })));
    expect(atEnds[0]).toBeLessThanOrEqual(5);
    expect(begun).toHaveLength(6);
  });
});

describe("Glob", () => {
  it("includes what .gitignore names, which Grep leaves out", async () => {
    const { call, root } = session({ ".gitignore": "*.log\n", "a.log": "x", "b.txt": "x" });
    const found = (await call("Glob", { pattern: "*.{log,txt}" }))["filenames"] as string[];
    expect([...found].sort()).toEqual([join(root, "a.log"), join(root, "b.txt")]);
    expect((await call("Grep", { pattern: "x" }))["filenames"]).toEqual([join(root, "b.txt")]);
  });
});

describe("Edit", () => {
  it("keeps UTF-16, mixed endings, trailing blanks and the mode", async () => {
    const { call, root } = session({ mixed: "a  \r\nb\nc", wide: "" });
    fs.chmodSync(join(root, "mixed"), 0o751);
    fs.writeFileSync(join(root, "wide"), Buffer.from("\ufeffone\r\ntwo", "utf16le"));
    await call("Edit", { file_path: "mixed", old_string: "a  \nb", new_string: "A  \nB" });
    await call("Edit", { file_path: "wide", old_string: "one\ntwo", new_string: "1\n2" });
    expect(fs.readFileSync(join(root, "mixed"), "utf8")).toBe("A  \r\nB\nc");
    expect(fs.statSync(join(root, "mixed")).mode & 0o777).toBe(0o751);
    expect(fs.readFileSync(join(root, "wide"))).toEqual(Buffer.from("\ufeff1\r\n2", "utf16le"));
  });
});
