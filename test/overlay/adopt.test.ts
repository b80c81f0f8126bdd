import { describe, expect, test } from "vitest";
import { bufferContent } from "../../src/overlay/content/content.ts";
import { open, plant, summary, treeOf } from "./scratch.ts";

const meta = {
  mode: 0o640,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  atimeNs: 1n,
  mtimeNs: 2_000_000_000n,
};

describe("adopt", () => {
  test("puts back all that another layer had pending", () => {
    const root = plant({ "a.txt": "a", "d/x": "x", "d/y": "y", "gone/z": "z" });
    const source = open(root);
    source.fs.writeFileSync("a.txt", "changed");
    source.fs.renameSync("d", "e");
    source.fs.writeFileSync("e/x", "new x");
    source.fs.rmSync("gone", { recursive: true });
    source.fs.mkdirSync("gone");
    source.fs.symlinkSync("e/y", "link");
    const target = open(root);
    for (const entry of source.pending()) target.adopt(entry);
    expect(treeOf(target.fs, root)).toEqual(treeOf(source.fs, root));
    expect(summary(target)).toEqual(summary(source));
  });

  test("takes mode, owner and times exactly as given", () => {
    const layer = open(plant());
    layer.adopt({
      kind: "file",
      path: "f",
      meta,
      timesSet: true,
      content: bufferContent(Buffer.from("hi")),
    });
    const stats = layer.fs.statSync("f", { bigint: true });
    expect([stats.mode & 0o7777n, stats.mtimeNs]).toEqual([0o640n, 2_000_000_000n]);
    expect(layer.fs.readFileSync("f", "utf8")).toBe("hi");
  });

  test("makes hard links of files given with one number in a row", () => {
    const layer = open(plant());
    const content = bufferContent(Buffer.from("shared"));
    layer.adopt({ kind: "file", path: "a", meta, content, ino: 7n });
    layer.adopt({ kind: "file", path: "b", meta, content, ino: 7n });
    layer.fs.appendFileSync("a", "!");
    expect(layer.fs.readFileSync("b", "utf8")).toBe("shared!");
    expect(layer.fs.statSync("b").nlink).toBe(2);
  });

  test("does not take a later file for a link only because it has an old number", () => {
    const layer = open(plant());
    layer.adopt({
      kind: "file",
      path: "a",
      meta,
      content: bufferContent(Buffer.from("1")),
      ino: 7n,
    });
    layer.fs.writeFileSync("between", "");
    layer.adopt({
      kind: "file",
      path: "b",
      meta,
      content: bufferContent(Buffer.from("2")),
      ino: 7n,
    });
    expect(layer.fs.readFileSync("a", "utf8")).toBe("1");
  });
});
