import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, plant, summary, treeOf } from "./scratch.ts";

describe("reset", () => {
  test("leaves nothing of a change under the other names of a file", () => {
    const root = plant({ a: "1" });
    nodeFs.linkSync(join(root, "a"), join(root, "b"));
    const layer = open(root);
    layer.fs.appendFileSync("a", "2");
    layer.reset();
    nodeFs.appendFileSync(join(root, "b"), "3");
    expect(layer.fs.readFileSync("b", "utf8")).toBe("13");
    layer.fs.writeFileSync("new", "");
    expect(summary(layer)).toEqual(["file new size=0"]);
  });

  test("lets a descriptor write to a file that had been moved with its directory", () => {
    const layer = open(plant({ "d/a": "12345" }));
    const descriptor = layer.fs.openSync("d/a", "r+");
    layer.fs.renameSync("d", "e");
    layer.reset();
    layer.fs.writeSync(descriptor, "x", 0);
    expect(layer.fs.readFileSync("d/a", "utf8")).toBe("x2345");
  });
});

describe("rebase", () => {
  test("drops what was committed and shows the disk", () => {
    const root = plant({ f: "old" });
    const layer = open(root);
    layer.fs.writeFileSync("f", "new");
    nodeFs.writeFileSync(join(root, "f"), "new");
    layer.rebase();
    expect(summary(layer)).toEqual([]);
    expect(layer.fs.readFileSync("f", "utf8")).toBe("new");
  });

  test("keeps an open file the node that it was, so that writing goes on under its name", () => {
    const root = plant({ f: "old" });
    const layer = open(root);
    const descriptor = layer.fs.openSync("f", "r+");
    layer.fs.writeSync(descriptor, "new", 0);
    nodeFs.writeFileSync(join(root, "next"), "new");
    nodeFs.renameSync(join(root, "next"), join(root, "f"));
    layer.rebase();
    // The inode of old may have gone to another file already.
    const { ino } = nodeFs.statSync(join(root, "f"));
    expect(layer.fs.statSync("f").ino).toBe(ino);
    expect(layer.fs.fstatSync(descriptor).ino).toBe(ino);
    layer.fs.writeSync(descriptor, "!", 3);
    expect(layer.fs.readFileSync("f", "utf8")).toBe("new!");
    expect(nodeFs.readFileSync(join(root, "f"), "utf8")).toBe("new");
  });

  test("lets a descriptor write that was opened before and not written to", () => {
    const root = plant({ "d/a": "12345", "d/b": "b" });
    const layer = open(root);
    const descriptor = layer.fs.openSync("d/a", "r+");
    layer.fs.writeFileSync("d/b", "B");
    nodeFs.writeFileSync(join(root, "d/b"), "B");
    layer.rebase();
    layer.fs.writeSync(descriptor, "x", 0);
    expect(layer.fs.readFileSync("d/a", "utf8")).toBe("x2345");
    expect(summary(layer)).toEqual(["directory d base=d", "file d/a size=5 base=d/a"]);
  });

  test("lets a descriptor write into a directory that was moved since it was opened", () => {
    const root = plant({ "d/s/a": "12345" });
    const layer = open(root);
    const descriptor = layer.fs.openSync("d/s/a", "r+");
    const directory = layer.fs.openSync("d/s", "r");
    layer.fs.renameSync("d", "e");
    nodeFs.renameSync(join(root, "d"), join(root, "e"));
    layer.rebase();
    layer.fs.writeSync(descriptor, "x", 0);
    layer.fs.fchmodSync(directory, 0o711);
    expect(layer.fs.readFileSync("e/s/a", "utf8")).toBe("x2345");
    expect(layer.fs.statSync("e/s").mode & 0o777).toBe(0o711);
  });

  test("refuses to write to an open file that another program replaced", () => {
    const root = plant({ "d/a": "12345", b: "b" });
    const layer = open(root);
    const descriptor = layer.fs.openSync("d/a", "r+");
    nodeFs.writeFileSync(join(root, "next"), "other");
    nodeFs.renameSync(join(root, "next"), join(root, "d/a"));
    layer.rebase();
    expect(() => layer.fs.writeSync(descriptor, "x", 0)).toThrow(
      expect.objectContaining({ code: "ESTALE" }),
    );
    expect(layer.fs.readFileSync("d/a", "utf8")).toBe("other");
  });

  test("refuses that also where nobody has looked again since", () => {
    const root = plant({ a: "12345" });
    const layer = open(root);
    const descriptor = layer.fs.openSync("a", "r+");
    nodeFs.writeFileSync(join(root, "next"), "other");
    nodeFs.renameSync(join(root, "next"), join(root, "a"));
    expect(() => layer.fs.writeSync(descriptor, "x", 0)).toThrow(
      expect.objectContaining({ code: "ESTALE" }),
    );
    expect(layer.fs.readFileSync(descriptor, "utf8")).toBe("12345");
    expect(layer.fs.readFileSync("a", "utf8")).toBe("other");
  });

  test("of a part keeps the rest pending", () => {
    const root = plant({ a: "a", b: "b" });
    const layer = open(root);
    layer.fs.writeFileSync("a", "A");
    layer.fs.writeFileSync("b", "B");
    nodeFs.writeFileSync(join(root, "a"), "A");
    layer.rebase(["a"]);
    expect(summary(layer)).toEqual(["file b size=1 base=b"]);
  });

  test("shows what other programs make of a file that was open at the commit", () => {
    const root = plant({ f: "old" });
    const layer = open(root);
    const descriptor = layer.fs.openSync("f", "r+");
    layer.fs.writeSync(descriptor, "new", 0);
    nodeFs.writeFileSync(join(root, "f"), "new");
    layer.rebase();
    expect(summary(layer)).toEqual([]);
    nodeFs.writeFileSync(join(root, "f"), "theirs");
    expect(layer.fs.readFileSync("f", "utf8")).toBe("theirs");
    layer.fs.closeSync(descriptor);
    expect(layer.fs.statSync("f").size).toBe(6);
  });

  test("of an open file with several names shows what was committed under each", () => {
    const root = plant({ a: "alpha" });
    nodeFs.mkdirSync(join(root, "d"));
    nodeFs.linkSync(join(root, "a"), join(root, "d/a"));
    const layer = open(root);
    const descriptor = layer.fs.openSync("a", "r+");
    layer.fs.ftruncateSync(descriptor, 2);
    layer.fs.lstatSync("d/a");
    nodeFs.truncateSync(join(root, "a"), 2);
    layer.rebase();
    for (const path of ["a", "d/a"]) expect(layer.fs.readFileSync(path, "utf8")).toBe("al");
    layer.fs.writeSync(descriptor, "A", 0);
    expect(layer.fs.readFileSync("d/a", "utf8")).toBe("Al");
  });

  test("of a part keeps the links of a file whose other name is still to go", () => {
    const root = plant({ a: "a", b: "b" });
    nodeFs.linkSync(join(root, "a"), join(root, "c"));
    const layer = open(root);
    layer.fs.chmodSync("a", 0o600);
    layer.fs.unlinkSync("a");
    layer.fs.lstatSync("c");
    nodeFs.chmodSync(join(root, "c"), 0o600);
    layer.rebase(["c"]);
    expect(layer.fs.statSync("c").nlink).toBe(1);
    const [deletion] = layer.pending();
    const { ctimeNs } = nodeFs.statSync(join(root, "a"), { bigint: true });
    expect(deletion?.base?.stamp.ctimeNs).toBe(ctimeNs);
  });

  test("of a part leaves no base where a file was moved away from", () => {
    const root = plant({ a: "a", "d/x": "x" });
    const layer = open(root);
    for (const path of ["a", "d"]) layer.fs.renameSync(path, `${path}2`);
    layer.fs.writeFileSync("a", "new");
    layer.fs.mkdirSync("d");
    for (const path of ["a", "d"]) nodeFs.renameSync(join(root, path), join(root, `${path}2`));
    layer.rebase(["a2", "d2"]);
    expect(summary(layer)).toEqual(["file a size=3", "directory d"]);
  });

  test("of a part shows what is pending under names that were not looked up yet", () => {
    const root = plant({ a: "a", b: "b" });
    nodeFs.linkSync(join(root, "a"), join(root, "c"));
    const layer = open(root);
    layer.fs.writeFileSync("a", "new");
    layer.fs.writeFileSync("b", "B");
    nodeFs.writeFileSync(join(root, "b"), "B");
    layer.rebase(["b"]);
    expect(layer.fs.readFileSync("c", "utf8")).toBe("new");
  });

  test("shows the times of the disk of what stays known because of an open file", () => {
    const root = plant({ "d/a": "a" });
    const layer = open(root);
    const descriptor = layer.fs.openSync("d/a", "r+");
    layer.fs.writeSync(descriptor, "A");
    nodeFs.writeFileSync(join(root, "next"), "A");
    nodeFs.renameSync(join(root, "next"), join(root, "d/a"));
    nodeFs.utimesSync(join(root, "d"), 5, 5);
    layer.rebase();
    for (const path of ["", "d", "d/a"]) {
      const { mtimeMs } = nodeFs.statSync(join(root, path));
      expect(layer.fs.statSync(join(root, path)).mtimeMs).toBe(mtimeMs);
    }
  });

  test("of a moved directory keeps what is pending below it in place", () => {
    const root = plant({ "d/x": "x", "d/y": "y", "d/s/z": "z" });
    const layer = open(root);
    layer.fs.renameSync("d", "e");
    layer.fs.writeFileSync("e/x", "changed");
    layer.fs.unlinkSync("e/y");
    layer.fs.chmodSync("e/s/z", 0o600);
    const before = treeOf(layer.fs, root);
    nodeFs.renameSync(join(root, "d"), join(root, "e"));
    layer.rebase(["d", "e"]);
    expect(treeOf(layer.fs, root)).toEqual(before);
    expect(summary(layer)).toEqual([
      "directory e base=e",
      "directory e/s base=e/s",
      "file e/s/z size=1 base=e/s/z",
      "file e/x size=7 base=e/x",
      "whiteout e/y base=e/y",
    ]);
  });

  test("of a file in a replaced directory does not bring the rest of the old one back", () => {
    const root = plant({ "d/x": "x", "d/y": "y" });
    const layer = open(root);
    layer.fs.rmSync("d", { recursive: true });
    layer.fs.mkdirSync("d");
    layer.fs.writeFileSync("d/x", "new");
    const before = treeOf(layer.fs, root);
    nodeFs.writeFileSync(join(root, "d/x"), "new");
    layer.rebase(["d/x"]);
    expect(treeOf(layer.fs, root)).toEqual(before);
  });
});
