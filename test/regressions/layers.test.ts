import nodeFs from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { openLayer } from "../../src/overlay/layer.ts";
import { memoryOverlay } from "../../src/overlay/memory-overlay.ts";
import { conform } from "../conformance/harness/conform.ts";
import { scenario } from "../conformance/harness/scenario.ts";
import { open, plant, summary, treeOf } from "../overlay/scratch.ts";
import { countedDisk } from "../support/counted-disk.ts";

// What stacks of layers got wrong, each with its thread; the real file system judges the first half.

/** Later releases forget the modes of directories in `cpSync` unless there is a filter too. */
const whole = { recursive: true, verbatimSymlinks: true };

conform("what stacks of layers got wrong", [
  scenario(
    "containers/fuse-overlayfs#279, #280: a link made where a file was moved away",
    ({ fs, at }) => {
      fs.renameSync(at("a.txt"), at("a2.txt"));
      fs.writeFileSync(at("a3.txt"), "three");
      fs.symlinkSync("a3.txt", at("a.txt"));
      fs.readFileSync(at("a.txt"), "utf8");
      fs.linkSync(at("a2.txt"), at("d/moved"));
      fs.renameSync(at("d/x.txt"), at("x.txt"));
      fs.mkdirSync(at("d/x.txt"));
      fs.readdirSync(at("d"));
    },
  ),
  scenario(
    "containers/fuse-overlayfs#271: a directory is moved to where another was removed",
    ({ fs, at }) => {
      fs.cpSync(at("d"), at("bak"), { ...whole, filter: () => true });
      fs.rmSync(at("d"), { recursive: true });
      fs.renameSync(at("bak/sub/deep.txt"), at("bak/sub/deep2.txt"));
      fs.renameSync(at("bak"), at("d"));
      fs.readdirSync(at("d"), { recursive: true });
      fs.readFileSync(at("d/sub/deep.txt"));
    },
  ),
  scenario(
    "containers/fuse-overlayfs#478: a tree made again twice, with the same names inside",
    ({ fs, at }) => {
      for (const names of [["sub", "sub/deeper"], ["sub"]]) {
        fs.rmSync(at("d"), { recursive: true });
        fs.mkdirSync(at("d"));
        for (const name of names) fs.mkdirSync(at(`d/${name}`));
        fs.readdirSync(at("d"), { recursive: true });
      }
      fs.rmdirSync(at("d/sub"));
      fs.rmdirSync(at("d"));
    },
  ),
  scenario(
    "containers/fuse-overlayfs#136, #138: below a directory made again nothing comes back",
    ({ fs, at }) => {
      fs.rmSync(at("d"), { recursive: true });
      fs.mkdirSync(at("d/sub/deeper"), { recursive: true });
      fs.existsSync(at("d/sub/deeper/leaf"));
      fs.existsSync(at("d/sub/deep.txt"));
      fs.readdirSync(at("d"), { recursive: true });
    },
  ),
  scenario(
    "containers/fuse-overlayfs#151: no name stands for a deletion of another",
    ({ fs, at }) => {
      for (const name of [".wh.a.txt", ".wh..wh..opq", "d/.wh.x.txt", "a.txt_HIDDEN~"]) {
        fs.writeFileSync(at(name), name);
      }
      fs.readFileSync(at("a.txt"), "utf8");
      fs.readFileSync(at("d/x.txt"), "utf8");
      fs.readdirSync(at(""));
      fs.readdirSync(at("d"));
    },
  ),
  scenario("streamich/memfs#1088: cp in all forms", async ({ fs, at, callback }) => {
    fs.writeFileSync(at("d/new"), "new");
    fs.cpSync(at("d"), at("c1"), { ...whole, filter: () => true });
    await fs.promises.cp(at("d"), at("c2"), whole);
    await callback("cp", at("run.sh"), at("c3"));
    for (const path of ["c1", "c2"]) fs.readdirSync(at(path), { recursive: true });
    fs.statSync(at("c3"));
  }),
]);

describe("what stacks of layers got wrong, seen from outside", () => {
  test("containers/fuse-overlayfs#279: a link over a moved file is there after loading too", () => {
    const root = plant({ "a.txt": "alpha" });
    const layer = open(root);
    layer.fs.renameSync("a.txt", "a2.txt");
    layer.fs.writeFileSync("a3.txt", "three");
    layer.fs.symlinkSync("a3.txt", "a.txt");
    const again = open(root);
    for (const entry of layer.pending()) again.adopt(entry);
    expect(treeOf(again.fs, ".")).toEqual(["a.txt -> a3.txt", "a2.txt: alpha", "a3.txt: three"]);
  });

  test("tursodatabase/agentfs#106: an empty tree is listed, and one of deletions only", () => {
    const { fs } = open(plant());
    expect(fs.readdirSync(".")).toEqual([]);
    const root = plant({ f: "f", "d/g": "g" });
    const layer = open(root);
    layer.fs.unlinkSync("f");
    layer.fs.unlinkSync("d/g");
    const again = open(root);
    for (const entry of layer.pending()) again.adopt(entry);
    expect([again.fs.readdirSync("."), again.fs.readdirSync("d")]).toEqual([["d"], []]);
  });

  test("pyfakefs#185, jsmestad/minga#2418: opening over a large tree reads none of it", () => {
    const root = plant();
    for (let index = 0; index < 200; index++) {
      nodeFs.mkdirSync(join(root, `d${index}`));
      nodeFs.writeFileSync(join(root, `d${index}`, "f"), "f");
    }
    const { fs, calls } = countedDisk();
    const layer = open(root, { lower: fs });
    layer.fs.writeFileSync(join(root, "d7/f"), "changed");
    expect(calls.filter((name) => name === "readdirSync")).toEqual([]);
    expect(calls.length).toBeLessThan(20);
    expect(summary(layer).some((line) => line.startsWith("file d7/f"))).toBe(true);
  });

  test("google/gvisor#6665: a large directory is listed with one look at the disk", () => {
    const root = plant();
    for (let index = 0; index < 500; index++) nodeFs.writeFileSync(join(root, `l${index}`), "");
    const { fs, calls } = countedDisk();
    const layer = open(root, { lower: fs });
    for (let index = 0; index < 500; index += 2) layer.fs.unlinkSync(join(root, `l${index}`));
    for (let index = 0; index < 500; index++) layer.fs.writeFileSync(join(root, `n${index}`), "");
    const before = calls.length;
    expect(layer.fs.readdirSync(root).length).toBe(750);
    expect(layer.fs.readdirSync(root, { withFileTypes: true }).length).toBe(750);
    expect(calls.slice(before)).toEqual(["readdirSync", "readdirSync"]);
  });

  test("containers/fuse-overlayfs#390: bytes that are written piece by piece stay in memory", () => {
    const { fs, calls } = countedDisk();
    const layer = open(plant(), { lower: fs });
    const descriptor = layer.fs.openSync("big", "w");
    const before = calls.length;
    for (let index = 0; index < 200; index++) layer.fs.writeSync(descriptor, Buffer.alloc(4096));
    layer.fs.fsyncSync(descriptor);
    layer.fs.closeSync(descriptor);
    expect(calls.slice(before)).toEqual([]);
    expect(layer.fs.statSync("big").size).toBe(200 * 4096);
  });

  test("binpash/try#123: layers over one another may overlap", async () => {
    const root = plant({ "a.txt": "alpha", "d/b.txt": "bravo" });
    const below = open(root);
    below.fs.writeFileSync("d/b.txt", "changed below");
    const middle = open(root, { lower: below.fs });
    middle.fs.unlinkSync("a.txt");
    const top = open(root, { lower: middle.fs });
    top.fs.writeFileSync("d/c.txt", "top");
    expect(treeOf(top.fs, ".")).toEqual(["d/", "d/b.txt: changed below", "d/c.txt: top"]);
    const stacked = await memoryOverlay({}, { root, over: [below.fs, nodeFs] });
    expect(stacked.fs.readFileSync("d/b.txt", "utf8")).toBe("changed below");
    stacked.close();
    expect(treeOf(nodeFs, root)).toEqual(["a.txt: alpha", "d/", "d/b.txt: bravo"]);
  });

  test("binpash/try#90, tursodatabase/agentfs#167, #186: the root may be /", () => {
    const place = plant({ "a.txt": "alpha", "d/b.txt": "bravo" });
    const { fs } = open("/");
    fs.writeFileSync(join(place, "a.txt"), "changed");
    fs.unlinkSync(join(place, "d/b.txt"));
    fs.renameSync(join(place, "d"), join(place, "e"));
    expect(treeOf(fs, place)).toEqual(["a.txt: changed", "e/"]);
    expect(fs.readdirSync("/")).toEqual(nodeFs.readdirSync("/"));
    expect(treeOf(nodeFs, place)).toEqual(["a.txt: alpha", "d/", "d/b.txt: bravo"]);
  });

  test("tschaub/mock-fs#302: an overlay that was closed is forgotten with all it held", async () => {
    const root = plant({ "d/f": "f" });
    const openAndClose = () => {
      const layer = openLayer({ root });
      layer.fs.statSync(join(root, "d/f"));
      layer.fs.writeFileSync(join(root, "d/f"), Buffer.alloc(100_000));
      layer.close();
      return new WeakRef(layer.fs);
    };
    const closed = Array.from({ length: 5 }, openAndClose);
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    // A weak reference holds what it has just shown until the turn ends.
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    expect(closed.filter((reference) => reference.deref() !== undefined)).toEqual([]);
  });

  test("opennextjs-netlify#34: opening an overlay replaces no function of node:fs", () => {
    const shown = () => [...Object.entries(nodeFs), ...Object.entries(nodeFs.promises)];
    const before = shown();
    const layer = open(plant({ f: "f" }));
    layer.fs.writeFileSync("f", "changed");
    for (const [index, [name, value]] of shown().entries()) {
      expect([name, value === before[index]?.[1]]).toEqual([name, true]);
    }
  });
});
