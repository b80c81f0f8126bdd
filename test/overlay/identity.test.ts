import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { open, plant } from "./scratch.ts";

describe("inodes", () => {
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

  test("descriptors are far above those of the kernel", () => {
    const { fs } = open(plant({ f: "x" }));
    expect(fs.openSync("f", "r")).toBeGreaterThanOrEqual(0x4000_0000);
  });
});
