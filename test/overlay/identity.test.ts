import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, plant } from "./scratch.ts";

describe("inodes", () => {
  // tursodatabase/agentfs#203.
  test("keep the lower's number through copy-up, rename and rollback", () => {
    const root = plant({ f: "x" });
    const { ino } = nodeFs.statSync(join(root, "f"));
    const layer = open(root);
    const savepoint = layer.savepoint();
    layer.fs.appendFileSync("f", "!");
    layer.fs.renameSync("f", "g");
    expect(layer.fs.statSync("g").ino).toBe(ino);
    layer.rollback(savepoint);
    expect(layer.fs.statSync("f").ino).toBe(ino);
  });

  test("of new files are no number of the lower's", () => {
    const layer = open(plant({ f: "x" }));
    layer.fs.writeFileSync("new", "x");
    expect(layer.fs.statSync("new").ino).toBeGreaterThanOrEqual(2 ** 52);
  });

  test("of new files are those of no other overlay, one of which may lie over another", () => {
    const root = plant();
    const below = open(root);
    below.fs.writeFileSync("below", "x");
    const above = open(root, { lower: below.fs });
    above.fs.writeFileSync("above", "y");
    expect(above.fs.statSync("above").ino).not.toBe(above.fs.statSync("below").ino);
    above.fs.cpSync("above", "below");
    expect(above.fs.readFileSync("below", "utf8")).toBe("y");
  });

  test("show a change under every name of a lower file that has several", () => {
    const root = plant({ "d/a": "x" });
    nodeFs.linkSync(join(root, "d/a"), join(root, "b"));
    const { fs } = open(root);
    expect(fs.readFileSync(join(root, "b"), "utf8")).toBe("x");
    fs.appendFileSync("d/a", "!");
    expect(fs.readFileSync(join(root, "b"), "utf8")).toBe("x!");
    fs.unlinkSync("d/a");
    expect(fs.statSync(join(root, "b")).nlink).toBe(1);
  });

  test("stay the ones that are open, through copy-up, rename and unlink", () => {
    const { fs } = open(plant({ f: "before" }));
    const descriptor = fs.openSync("f", "r");
    fs.writeFileSync("f", "after!");
    fs.renameSync("f", "g");
    fs.unlinkSync("g");
    expect(fs.readFileSync(descriptor, "utf8")).toBe("after!");
    expect(fs.fstatSync(descriptor).nlink).toBe(0);
    fs.closeSync(descriptor);
  });

  test("of directories count what is in them only where those below do", () => {
    const root = plant({ "d/x": "x" });
    const uncounted = <T extends nodeFs.Stats | nodeFs.BigIntStats>(stats: T): T => {
      const one = typeof stats.nlink === "bigint" ? 1n : 1;
      return stats.isDirectory() ? Object.assign(stats, { nlink: one }) : stats;
    };
    const lstatSync = (path: nodeFs.PathLike, options?: nodeFs.StatSyncOptions) => {
      const stats = nodeFs.lstatSync(path, options);
      return stats === undefined ? undefined : uncounted(stats);
    };
    const lower = { ...nodeFs, lstatSync } as typeof nodeFs;
    const { fs } = open(root, { lower });
    fs.mkdirSync("d/new");
    fs.mkdirSync("d/other");
    fs.renameSync("d/other", "other");
    expect(fs.statSync("d").nlink).toBe(1);
    fs.rmdirSync("d/new");
    expect(fs.statSync("d").nlink).toBe(1);
    expect(fs.statSync(".").nlink).toBe(1);
  });

  test("of a directory that is gone count no name, however it went", () => {
    const files = { "d/x": "x", "gone/x": "x" };
    const root = plant(files);
    const counts = (fs: typeof nodeFs, at: (path: string) => string) => {
      fs.mkdirSync(at("new"));
      fs.mkdirSync(at("replaced"));
      const names = ["gone", "new", "replaced"];
      const descriptors = names.map((name) => fs.openSync(at(name), "r"));
      fs.rmSync(at("gone"), { recursive: true });
      fs.rmdirSync(at("new"));
      fs.renameSync(at("d"), at("replaced"));
      const told = descriptors.map((descriptor) => fs.fstatSync(descriptor).nlink);
      for (const descriptor of descriptors) fs.closeSync(descriptor);
      return told;
    };
    const real = plant(files);
    const onDisk = counts(nodeFs, (path) => join(real, path));
    expect(counts(open(root).fs, (path) => join(root, path))).toEqual(onDisk);
  });

  test("a removed directory of the lower is not found again by a path that was used before", () => {
    const root = plant();
    nodeFs.mkdirSync(join(root, "e"));
    const { fs } = open(root);
    const path = join(root, "e/f");
    expect(fs.existsSync(path)).toBe(false);
    fs.rmdirSync(join(root, "e"));
    expect(() => fs.writeFileSync(path, "")).toThrow("ENOENT");
    expect(fs.existsSync(join(root, "e"))).toBe(false);
    fs.mkdirSync(join(root, "e"));
    fs.writeFileSync(path, "x");
    expect(fs.readdirSync("e")).toEqual(["f"]);
  });

  test("descriptors that are open keep their numbers, whichever others are closed", () => {
    const { fs } = open(plant({ a: "a", b: "b", c: "c" }));
    const [a, b, c] = ["a", "b", "c"].map((name) => fs.openSync(name, "r")) as [
      number,
      number,
      number,
    ];
    fs.closeSync(a);
    const later = ["a", "a", "a"].map((name) => fs.openSync(name, "r"));
    expect(new Set([b, c, ...later]).size).toBe(5);
    expect([b, c].map((descriptor) => fs.readFileSync(descriptor, "utf8"))).toEqual(["b", "c"]);
    for (const descriptor of [b, c, ...later]) fs.closeSync(descriptor);
  });

  test.runIf(nodeFs.existsSync("/proc/self/fd"))("a closed descriptor keeps no file open", () => {
    const root = plant({ a: "a", "d/b": "b" });
    const { fs } = open(root);
    const held = () => {
      const places = nodeFs.readdirSync("/proc/self/fd").map((descriptor) => {
        try {
          return nodeFs.readlinkSync(`/proc/self/fd/${descriptor}`);
        } catch {
          return "";
        }
      });
      return places.filter((place) => place.startsWith(`${root}/`));
    };
    for (const [path, flags] of [
      ["a", "r"],
      ["a", "r+"],
      ["d", "r"],
      ["d/b", "r"],
    ] as const) {
      const descriptor = fs.openSync(path, flags);
      expect(held()).not.toEqual([]);
      fs.closeSync(descriptor);
      expect(held()).toEqual([]);
    }
  });

  test("descriptors of one overlay mean nothing to another", () => {
    const root = plant({ f: "f" });
    const [one, two] = [open(root), open(root)];
    const descriptor = one.fs.openSync("f", "r");
    const other = two.fs.openSync("f", "r");
    expect(other).not.toBe(descriptor);
    const badDescriptor = expect.objectContaining({ code: "EBADF" });
    expect(() => two.fs.readFileSync(descriptor)).toThrow(badDescriptor);
    one.close();
    expect(() => one.fs.fstatSync(descriptor)).toThrow(badDescriptor);
    expect(two.fs.openSync("f", "r")).toBe(descriptor);
    expect(two.fs.readFileSync(other, "utf8")).toBe("f");
  });

  test("nothing can be written, to be lost, once the overlay is closed", () => {
    const layer = open(plant({ f: "f" }));
    const descriptor = layer.fs.openSync("f", "r+");
    layer.close();
    const closed = expect.objectContaining({ code: "EROFS" });
    expect(() => layer.fs.writeFileSync("f", "x")).toThrow(closed);
    expect(() => layer.fs.writeFileSync("n", "x")).toThrow(closed);
    expect(() => layer.fs.mkdirSync("d")).toThrow(closed);
    expect(() => layer.fs.renameSync("f", "g")).toThrow(closed);
    expect(() => layer.fs.chmodSync("f", 0o600)).toThrow(closed);
    expect(() => layer.fs.writeSync(descriptor, "x")).toThrow(
      expect.objectContaining({ code: "EBADF" }),
    );
    expect(layer.fs.readFileSync("f", "utf8")).toBe("f");
  });

  test("a file that must be a directory cannot be made by opening it", () => {
    const { fs } = open(plant({ f: "f", "d/g": "g" }));
    const flags = nodeFs.constants.O_CREAT | nodeFs.constants.O_DIRECTORY;
    for (const path of ["f", "d", "new"]) {
      expect(() => fs.openSync(path, flags)).toThrow(expect.objectContaining({ code: "EINVAL" }));
    }
    expect(fs.readdirSync(".")).toEqual(["d", "f"]);
  });

  test("descriptors are far above those of the kernel", () => {
    const { fs } = open(plant({ f: "x" }));
    expect(fs.openSync("f", "r")).toBeGreaterThanOrEqual(0x4000_0000);
  });
});

describe("directories", () => {
  test("that the overlay knows show the times that other programs give them", () => {
    const root = plant({ "d/a": "a", "e/a": "a" });
    const { fs } = open(root);
    fs.chmodSync("d/a", 0o600);
    fs.writeFileSync("e/new", "new");
    const { mtimeMs } = fs.statSync("e");
    for (const path of ["", "d", "e"]) nodeFs.utimesSync(join(root, path), 5, 5);
    expect(fs.statSync(root).mtimeMs).toBe(5000);
    expect(fs.statSync("d").mtimeMs).toBe(5000);
    expect(fs.statSync(join(root, "d"), { bigint: true }).mtimeNs).toBe(5_000_000_000n);
    expect(fs.statSync("e").mtimeMs).toBe(mtimeMs);
  });
});
