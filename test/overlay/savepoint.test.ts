import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Layer } from "../../src/overlay/layer.ts";
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

  test("end with the one around them, whichever way it ends", () => {
    const layer = open(plant({ f: "1" }));
    for (const end of ["release", "rollback"] as const) {
      const outer = layer.savepoint();
      const inner = layer.savepoint();
      layer.fs.appendFileSync("f", "2");
      layer[end](outer);
      expect(() => layer.rollback(inner)).toThrow(/has ended/);
      expect(() => layer.release(inner)).toThrow(/has ended/);
      expect(layer.fs.readFileSync("f", "utf8")).toBe("12");
    }
  });

  const changes: Readonly<Record<string, (fs: Layer["fs"]) => void>> = {
    write: (fs) => fs.appendFileSync("u/f", "+"),
    truncate: (fs) => fs.truncateSync("u/f", 1),
    chmod: (fs) => fs.chmodSync("u/f", 0o600),
    "chmod of a directory": (fs) => fs.chmodSync("u", 0o700),
    utimes: (fs) => fs.utimesSync("u/f", 1, 2),
    link: (fs) => fs.linkSync("u/f", "u/d/g"),
    unlink: (fs) => fs.unlinkSync("u/f"),
    "unlink of one of two names": (fs) => fs.unlinkSync("u/one"),
    rename: (fs) => fs.renameSync("u/f", "u/d/f"),
    "rename over another one": (fs) => fs.renameSync("u/f", "u/one"),
    "rename of a link": (fs) => fs.renameSync("u/l", "u/d/l"),
    "rename of a directory": (fs) => fs.renameSync("u/d", "moved"),
    "rename of a directory over another": (fs) => fs.renameSync("u/d", "u/e"),
    mkdir: (fs) => fs.mkdirSync("u/d/new"),
    rmdir: (fs) => fs.rmdirSync("u/e"),
    symlink: (fs) => fs.symlinkSync("f", "u/d/l"),
    copy: (fs) => fs.copyFileSync("u/f", "u/one"),
    rm: (fs) => fs.rmSync("u", { recursive: true }),
  };
  for (const [name, change] of Object.entries(changes)) {
    test(`bring back what was pending before to its last field: ${name}`, () => {
      const layer = open(plant({ "u/f": "lower" }));
      const { fs } = layer;
      fs.appendFileSync("u/f", " and changed");
      fs.writeFileSync("u/one", "1");
      fs.linkSync("u/one", "u/two");
      for (const path of ["u/d", "u/d/sub", "u/e"]) fs.mkdirSync(path);
      fs.symlinkSync("f", "u/l");
      const told = () => {
        const paths = [".", ...fs.readdirSync(".", { recursive: true, encoding: "utf8" })];
        return paths.map((path) => ({ path, ...fs.lstatSync(path, { bigint: true }) }));
      };
      const before = told();
      const savepoint = layer.savepoint();
      change(fs);
      layer.rollback(savepoint);
      expect(told()).toEqual(before);
    });
  }

  test("leave nothing of a change under the other names of a file", () => {
    const root = plant({ a: "1" });
    nodeFs.linkSync(join(root, "a"), join(root, "b"));
    const layer = open(root);
    const savepoint = layer.savepoint();
    layer.fs.appendFileSync("a", "2");
    layer.rollback(savepoint);
    nodeFs.appendFileSync(join(root, "b"), "3");
    expect(layer.fs.readFileSync("b", "utf8")).toBe("13");
    expect(summary(layer)).toEqual([]);
  });

  test("take back where absolute paths lead that were used meanwhile", () => {
    const root = plant({ "d/x": "x", "d/sub/y": "y" });
    const layer = open(root);
    const { fs } = layer;
    const savepoint = layer.savepoint();
    fs.renameSync("d", "e");
    fs.mkdirSync("new");
    fs.writeFileSync("new/z", "z");
    for (const path of ["e/x", "e/sub/y", "new/z"])
      expect(fs.existsSync(join(root, path))).toBe(true);
    layer.rollback(savepoint);
    for (const path of ["e/x", "e/sub/y", "new/z"]) {
      expect(fs.existsSync(join(root, path))).toBe(false);
      expect(() => fs.writeFileSync(join(root, path), "")).toThrow("ENOENT");
    }
    expect(fs.readFileSync(join(root, "d/sub/y"), "utf8")).toBe("y");
  });

  test("are followed by a later generation when they are rolled back to", () => {
    const layer = open(plant({ f: "1" }));
    const savepoint = layer.savepoint();
    layer.fs.appendFileSync("f", "2");
    const changed = layer.generation;
    layer.rollback(savepoint);
    expect(layer.generation).toBeGreaterThan(changed);
  });

  test("give no descriptor another file, which a program has put in place meanwhile", () => {
    const root = plant({ f: "12345" });
    const layer = open(root);
    const descriptor = layer.fs.openSync("f", "r");
    const savepoint = layer.savepoint();
    layer.fs.appendFileSync("f", "6");
    nodeFs.writeFileSync(join(root, "next"), "other");
    nodeFs.renameSync(join(root, "next"), join(root, "f"));
    layer.rollback(savepoint);
    expect(layer.fs.readFileSync(descriptor, "utf8")).toBe("12345");
    expect(layer.fs.readFileSync("f", "utf8")).toBe("other");
  });

  test("leave watchers what they watch", async () => {
    const root = plant({ "d/x": "x" });
    const layer = open(root);
    const told: unknown[] = [];
    const watcher = layer.fs.watch("d", (_, name) => told.push(name));
    const savepoint = layer.savepoint();
    layer.fs.writeFileSync("d/taken back", "");
    layer.rollback(savepoint);
    layer.fs.writeFileSync("d/later", "");
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    watcher.close();
    const namesTold = (name: string) => told.filter((other) => other === name).length;
    expect(namesTold("taken back")).toBeGreaterThanOrEqual(2);
    expect(namesTold("later")).toBeGreaterThanOrEqual(1);
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
