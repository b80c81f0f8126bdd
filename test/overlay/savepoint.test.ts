import nodeFs from "node:fs";
import { describe, expect, test } from "vitest";
import { open, plant, summary, treeOf } from "./scratch.ts";

describe("savepoints", () => {
  test("bring back every kind of change", () => {
    const root = plant({ "a.txt": "a", "d/x": "x", "d/sub/y": "y" });
    const layer = open(root);
    layer.fs.writeFileSync("before", "kept");
    const before = treeOf(layer.fs, root);
    const pending = summary(layer);
    const savepoint = layer.savepoint();
    layer.fs.appendFileSync("before", " and changed");
    layer.fs.writeFileSync("a.txt", "changed");
    layer.fs.renameSync("d/sub", "moved");
    layer.fs.renameSync("d", "e");
    layer.fs.symlinkSync("e", "link");
    layer.fs.linkSync("a.txt", "hard");
    layer.fs.rmSync("moved", { recursive: true });
    layer.fs.chmodSync("before", 0o600);
    layer.rollback(savepoint);
    expect(treeOf(layer.fs, root)).toEqual(before);
    expect(summary(layer)).toEqual(pending);
    expect(treeOf(nodeFs, root)).toEqual(["a.txt: a", "d/", "d/sub/", "d/sub/y: y", "d/x: x"]);
  });

  test("nest: the outer one also takes back what the inner one released", () => {
    const layer = open(plant());
    const outer = layer.savepoint();
    layer.fs.writeFileSync("f", "1");
    const inner = layer.savepoint();
    layer.fs.writeFileSync("f", "2");
    layer.release(inner);
    layer.fs.writeFileSync("f", "3");
    layer.rollback(outer);
    expect(layer.fs.existsSync("f")).toBe(false);
  });

  test("keep descriptors working: what they wrote is taken back with the rest", () => {
    const layer = open(plant({ f: "12345" }));
    const descriptor = layer.fs.openSync("f", "r+");
    layer.fs.writeSync(descriptor, "a", 0);
    const savepoint = layer.savepoint();
    layer.fs.writeSync(descriptor, "b", 1);
    layer.rollback(savepoint);
    expect(layer.fs.readFileSync("f", "utf8")).toBe("a2345");
    layer.fs.writeSync(descriptor, "c", 2);
    expect(layer.fs.readFileSync("f", "utf8")).toBe("a2c45");
  });

  test("keep a descriptor working that was opened before its file was changed", () => {
    const layer = open(plant({ "d/f": "12345" }));
    const descriptor = layer.fs.openSync("d/f", "r+");
    const savepoint = layer.savepoint();
    layer.fs.writeSync(descriptor, "a", 0);
    layer.rollback(savepoint);
    expect(summary(layer)).toEqual([]);
    expect(layer.fs.readFileSync(descriptor, "utf8")).toBe("12345");
    layer.fs.writeSync(descriptor, "b", 1);
    expect(layer.fs.readFileSync("d/f", "utf8")).toBe("1b345");
    layer.fs.appendFileSync("d/f", "6");
    expect(layer.fs.fstatSync(descriptor).size).toBe(6);
  });

  test("keep a descriptor working that was opened on a file that had just been changed", () => {
    const layer = open(plant({ f: "12345" }));
    const savepoint = layer.savepoint();
    layer.fs.appendFileSync("f", "6");
    const descriptor = layer.fs.openSync("f", "r+");
    layer.rollback(savepoint);
    layer.fs.writeSync(descriptor, "a", 0);
    expect(layer.fs.readFileSync("f", "utf8")).toBe("a2345");
  });

  test("keep a descriptor of a directory working", () => {
    const layer = open(plant({ "d/f": "f" }));
    const descriptor = layer.fs.openSync("d", "r");
    const { ino } = layer.fs.fstatSync(descriptor);
    const savepoint = layer.savepoint();
    layer.fs.renameSync("d", "e");
    layer.fs.fchmodSync(descriptor, 0o700);
    layer.rollback(savepoint);
    expect(layer.fs.fstatSync(descriptor).ino).toBe(ino);
    layer.fs.fchmodSync(descriptor, 0o711);
    expect(layer.fs.statSync("d").mode & 0o777).toBe(0o711);
  });

  test("end once: a second rollback is refused", () => {
    const layer = open(plant());
    const savepoint = layer.savepoint();
    layer.rollback(savepoint);
    expect(() => layer.rollback(savepoint)).toThrow(
      expect.objectContaining({ code: "DRAFT_TRANSACTION" }),
    );
  });

  test("take back only the pages of a large file that were changed", () => {
    const layer = open(plant());
    const bytes = Buffer.alloc(300_000, "x");
    layer.fs.writeFileSync("big", bytes);
    const savepoint = layer.savepoint();
    const descriptor = layer.fs.openSync("big", "r+");
    layer.fs.writeSync(descriptor, "changed", 100_000);
    layer.fs.ftruncateSync(descriptor, 200_000);
    layer.rollback(savepoint);
    expect(layer.fs.readFileSync("big").equals(bytes)).toBe(true);
  });
});
