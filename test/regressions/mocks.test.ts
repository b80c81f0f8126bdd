import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memoryOverlay } from "../../src/overlay/memory-overlay.ts";
import { conform } from "../conformance/harness/conform.ts";
import { type Scenario, scenario } from "../conformance/harness/scenario.ts";
import { open, plant } from "../overlay/scratch.ts";
import { countedDisk } from "../support/counted-disk.ts";

// What stand-ins for the disk that tests use got wrong, each with its thread.

const mockFs: readonly Scenario[] = [
  scenario("tschaub/mock-fs#14, #53: a directory is listed through links to it", ({ fs, at }) => {
    fs.symlinkSync(at("dlink"), at("e/again"));
    for (const path of ["dlink", "e/again", "dlink/back"]) fs.readdirSync(at(path));
    fs.readFileSync(at("e/again/x.txt"), "utf8");
  }),
  scenario("tschaub/mock-fs#321: realpath of a link", ({ fs, at }) => {
    for (const path of ["link", "chain", "dlink/sub", "up"]) {
      fs.realpathSync(at(path));
      fs.realpathSync.native(at(path));
    }
  }),
  scenario("tschaub/mock-fs#417: readdir lists trees, what is new in them too", ({ fs, at }) => {
    fs.writeFileSync(at("d/sub/new"), "new");
    fs.unlinkSync(at("d/y.txt"));
    fs.readdirSync(at("d"), { recursive: true });
  }),
  scenario("tschaub/mock-fs#236: no field of stats is missing", ({ fs, raw, at, note }) => {
    fs.writeFileSync(at("new"), "new");
    for (const path of ["new", "a.txt", "d", "link"]) {
      const fields = Object.entries(raw.lstatSync(at(path)));
      note(path, fields.map(([name, value]) => `${name}: ${typeof value}`).sort());
    }
  }),
];

const memfs: readonly Scenario[] = [
  scenario("streamich/memfs#663, #1087: opendir and Dir in all forms", async (trial) => {
    const { fs, at, note, callback } = trial;
    fs.writeFileSync(at("d/new"), "new");
    const names: string[] = [];
    for await (const { name } of (await fs.promises.opendir(at("d"))) ?? []) names.push(name);
    note("names", names.sort());
    await callback("opendir", at("missing"));
    const dir = fs.opendirSync(at("e"));
    note("entry", dir?.readSync());
    note("end", await dir?.read());
    dir?.closeSync();
    dir?.closeSync();
  }),
  scenario("streamich/memfs#1063, #1089: streams of a FileHandle", async ({ raw, at, note }) => {
    const target = await raw.promises.open(at("d/x.txt"), "w+");
    const stream = target.createWriteStream();
    await new Promise((resolve) => stream.end("written", () => resolve(undefined)));
    const source = await raw.promises.open(at("d/x.txt"));
    const pieces: Buffer[] = [];
    for await (const piece of source.createReadStream({ start: 1 })) pieces.push(piece as Buffer);
    note("read", Buffer.concat(pieces));
  }),
  scenario("streamich/memfs#494: O_DIRECTORY opens directories only", ({ fs, raw, at }) => {
    const { O_DIRECTORY, O_RDONLY } = fs.constants;
    for (const path of ["d", "a.txt", "link", "dlink"]) {
      const descriptor = fs.openSync(at(path), O_RDONLY | O_DIRECTORY);
      if (descriptor !== undefined) raw.closeSync(descriptor);
    }
  }),
];

const others: readonly Scenario[] = [
  scenario("streamich/unionfs#742, #787: a directory that is empty is listed", ({ fs, at }) => {
    fs.mkdirSync(at("new"));
    for (const path of ["new", "e", "a.txt", "a.txt/x", "missing"]) fs.readdirSync(at(path));
    fs.rmSync(at("d/sub/deeper/leaf"));
    fs.readdirSync(at("d/sub/deeper"));
  }),
  scenario(
    "zen-fs/core#288, #308: directories made at once by several",
    async ({ fs, raw, at }) => {
      const paths = ["p", "p", "p/q", "p/q", "p/q/r", "d/sub", "d/sub/s", "d/sub/s"];
      await Promise.all(paths.map((path) => raw.promises.mkdir(at(path), { recursive: true })));
      fs.readdirSync(at("p"), { recursive: true });
      fs.readdirSync(at("d/sub/s"));
    },
  ),
  scenario("nodejs/node#64164: writeFile and appendFile of a descriptor", ({ fs, at }) => {
    const descriptor = fs.openSync(at("b.txt"), "r+");
    if (descriptor === undefined) return;
    fs.writeFileSync(descriptor, "XY");
    fs.appendFileSync(descriptor, "Z");
    fs.closeSync(descriptor);
    fs.readFileSync(at("b.txt"), "utf8");
  }),
];

conform("what stand-ins for the disk got wrong", [...mockFs, ...memfs, ...others]);

describe("what stand-ins for the disk got wrong, seen from outside", () => {
  test("streamich/fs-monkey#139, streamich/memfs#351: some files in memory, the rest real", async () => {
    const root = plant({ "real.txt": "real", "tmp/below.txt": "below" });
    const memory = { [`${root}/tmp/test.txt`]: "dummy content" };
    const layer = await memoryOverlay(memory, { root, over: [nodeFs] });
    layer.fs.writeFileSync("tmp/new.txt", "new");
    expect(layer.fs.readFileSync("real.txt", "utf8")).toBe("real");
    expect(layer.fs.readdirSync("tmp")).toEqual(["below.txt", "new.txt", "test.txt"]);
    expect(nodeFs.readdirSync(join(root, "tmp"))).toEqual(["below.txt"]);
    layer.close();
  });

  test("streamich/unionfs#785: streams ask the layers in the order of all other calls", async () => {
    const root = plant({ f: "below", g: "below" });
    const layer = await memoryOverlay({ [`${root}/f`]: "memory" }, { root, over: [nodeFs] });
    const read = async (path: string) => {
      const pieces: Buffer[] = [];
      for await (const piece of layer.fs.createReadStream(path)) pieces.push(piece as Buffer);
      return Buffer.concat(pieces).toString();
    };
    expect(await read("f")).toBe("memory");
    const stream = layer.fs.createWriteStream("g");
    await new Promise((resolve) => stream.end("written", () => resolve(undefined)));
    expect(await read("g")).toBe("written");
    expect(nodeFs.readFileSync(join(root, "g"), "utf8")).toBe("below");
    layer.close();
  });

  test("tursodatabase/agentfs#89: stat, open and close of new files ask nothing of the disk", () => {
    const { fs, calls } = countedDisk();
    const layer = open(plant({}), { lower: fs });
    layer.fs.mkdirSync("node_modules");
    const before = calls.length;
    for (let index = 0; index < 50; index++) {
      const path = `node_modules/f${index}`;
      layer.fs.writeFileSync(path, "x");
      layer.fs.statSync(path);
      layer.fs.closeSync(layer.fs.openSync(path, "r"));
    }
    expect(calls.slice(before)).toEqual([]);
  });

  test("can1357/oh-my-pi#4627: what is taken over while others write is never a mixture", () => {
    const size = 200_000;
    const root = plant({ f: "a".repeat(size) });
    const { fs } = open(root);
    const descriptor = fs.openSync("f", "r+");
    fs.writeSync(descriptor, "+", 0);
    nodeFs.writeFileSync(join(root, "f"), "b".repeat(size));
    expect(() => fs.readFileSync("f")).toThrow(expect.objectContaining({ code: "ESTALE" }));
    fs.closeSync(descriptor);
  });
});
