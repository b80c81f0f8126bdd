import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { conform } from "../conformance/harness/conform.ts";
import { scenario } from "../conformance/harness/scenario.ts";
import { directory, file, standardSeed } from "../conformance/harness/seed.ts";
import { open, plant, summary, treeOf } from "../overlay/scratch.ts";

// Further things that peers got wrong; the real file system is the judge of the first half.

conform("what else peers got wrong", [
  scenario("zen-fs/core#295: changing a file leaves the inode below alone", ({ fs, at }) => {
    for (const path of ["a.txt", "d/sub/deep.txt"]) {
      fs.statSync(at(path));
      fs.chmodSync(at(path), 0o600);
      fs.utimesSync(at(path), 1, 2);
      fs.truncateSync(at(path), 2);
      fs.statSync(at(path));
    }
  }),
  scenario("zenfs 2.7.6: names with spaces are deleted and moved whole", ({ fs, at }) => {
    fs.writeFileSync(at("sp ace.txt"), "s");
    fs.renameSync(at("sp ace.txt"), at("d/two  spaces\n"));
    fs.renameSync(at("d"), at("a directory"));
    fs.unlinkSync(at("a directory/two  spaces\n"));
    fs.readdirSync(at("a directory"));
  }),
  scenario("zenfs 2.7.6: a directory is not written to as a file", ({ fs, at }) => {
    fs.writeFileSync(at("d"), "x");
    fs.appendFileSync(at("d"), "x");
    fs.readFileSync(at("d"));
    fs.truncateSync(at("d"), 0);
  }),
  scenario(
    "memfs 4.80.1: root passes permissions, others do not",
    ({ fs, at }) => {
      fs.readFileSync(at("closed"), "utf8");
      fs.readdirSync(at("shut"));
      fs.writeFileSync(at("shut/n"), "n");
      fs.appendFileSync(at("closed"), "+");
    },
    {
      seed: { closed: file("closed", 0o000), shut: directory(0o000), "shut/f": "f" },
      skip: { memfs: "memfs checks modes against root, whoever runs it" },
    },
  ),
  scenario("memfs 4.80.1: a closed FileHandle makes no stream", async ({ fs, at, note }) => {
    const handle = await fs.promises.open(at("a.txt"));
    await handle?.close();
    try {
      handle?.createReadStream();
    } catch (error) {
      note("thrown", error);
    }
  }),
  scenario("memfs 4.80.1: close needs no callback", async ({ fs, raw, at, note }) => {
    const descriptor = raw.openSync(at("a.txt"), "r");
    raw.close(descriptor);
    await new Promise((resolve) => setTimeout(resolve, 20));
    try {
      raw.fstatSync(descriptor);
      note("open", true);
    } catch (error) {
      note("closed", (error as NodeJS.ErrnoException).code);
    }
    fs.existsSync(at("a.txt"));
  }),
  scenario("nodejs/node#64285: refused renames, with the code of the disk", ({ fs, at }) => {
    fs.renameSync(at("e"), at("d"));
    fs.renameSync(at("d"), at("d/sub/inside"));
    fs.renameSync(at("a.txt"), at("e"));
    fs.renameSync(at("e"), at("a.txt"));
    fs.renameSync(at("e"), at("e"));
  }),
  scenario("platformatic/vfs#70: writing, unlinking, listing and opening agree", ({ fs, at }) => {
    fs.writeFileSync(at("d/new"), "new");
    fs.writeFileSync(at("d/x.txt"), "changed");
    fs.unlinkSync(at("d/y.txt"));
    fs.readdirSync(at("d"));
    const descriptor = fs.openSync(at("d/x.txt"), "r");
    if (descriptor !== undefined) {
      fs.readFileSync(descriptor, "utf8");
      fs.closeSync(descriptor);
    }
    fs.openSync(at("d/y.txt"), "r");
  }),
  scenario("hyprstream/hyprstream#650: what was deleted comes back as something else", (trial) => {
    const { fs, at } = trial;
    fs.rmSync(at("d"), { recursive: true });
    fs.writeFileSync(at("d"), "a file now");
    fs.readFileSync(at("d/x.txt"));
    fs.unlinkSync(at("d"));
    fs.mkdirSync(at("d"));
    fs.readdirSync(at("d"));
    fs.unlinkSync(at("a.txt"));
    fs.mkdirSync(at("a.txt"));
    fs.readdirSync(at("a.txt"));
  }),
  scenario(
    "atusy/kakehashi#760: saving under one of several names does not part them",
    ({ fs, at }) => {
      fs.writeFileSync(at("h1"), "saved");
      fs.readFileSync(at("h2"), "utf8");
      fs.appendFileSync(at("d/h3"), "+");
      fs.readFileSync(at("h1"), "utf8");
      fs.statSync(at("h2"));
    },
    { seed: standardSeed },
  ),
]);

describe("what else peers got wrong, seen from outside", () => {
  test("zen-fs/core#81, zenfs 2.7.6: reading copies nothing up", async () => {
    const root = plant({ "a.txt": "alpha", "d/b": "bravo" });
    nodeFs.symlinkSync("a.txt", join(root, "l"));
    const layer = open(root);
    const { fs } = layer;
    treeOf(fs, ".");
    fs.readFileSync("l");
    fs.statSync("d");
    fs.closeSync(fs.openSync("a.txt", "r"));
    await fs.promises.readFile("d/b");
    for await (const piece of fs.createReadStream("a.txt")) expect(piece).toBeDefined();
    expect(summary(layer)).toEqual([]);
  });

  test("memfs 4.80.1: bytes read later than at once share memory with nobody", async () => {
    const { fs } = open(plant({ below: "below" }));
    fs.writeFileSync("above", "above");
    fs.writeFileSync("other", "secret of another file");
    const later = (path: string) =>
      new Promise<Buffer>((resolve, reject) => {
        fs.readFile(path, (error, bytes) => (error === null ? resolve(bytes) : reject(error)));
      });
    for (const path of ["below", "above"]) {
      const handle = await fs.promises.open(path);
      const all = [await fs.promises.readFile(path), await later(path), await handle.readFile()];
      await handle.close();
      for (const bytes of all) {
        expect(bytes.toString()).toBe(path);
        expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, bytes.length]);
      }
    }
  });

  test("streamich/fs-monkey#27, streamich/memfs#551: a copy of the functions works", () => {
    const layer = open(plant({ "a.txt": "alpha" }));
    const copy = { ...layer.fs };
    const { readFileSync, promises } = copy;
    copy.writeFileSync("n", "new");
    expect(readFileSync("n", "utf8")).toBe("new");
    expect(promises).toBe(layer.fs.promises);
    const patched = { ...copy, readFileSync: () => "patched" };
    expect(patched.readFileSync()).toBe("patched");
    expect(layer.fs.readFileSync("a.txt", "utf8")).toBe("alpha");
  });

  test("tschaub/mock-fs#62, streamich/memfs#1096: a real tree whose changes are thrown away", () => {
    const root = plant({ "a.txt": "alpha", "node_modules/p/i.js": "real" });
    const before = treeOf(nodeFs, root);
    const layer = open(root);
    layer.fs.rmSync("node_modules", { recursive: true });
    layer.fs.writeFileSync("a.txt", "changed");
    layer.reset();
    expect(treeOf(layer.fs, ".")).toEqual(before);
    expect(treeOf(nodeFs, root)).toEqual(before);
  });

  test("streamich/memfs#29: going back to the start is one call, as often as is needed", () => {
    const layer = open(plant({ "a.txt": "alpha" }));
    for (const content of ["one", "two", "three"]) {
      const savepoint = layer.savepoint();
      layer.fs.writeFileSync("a.txt", content);
      layer.fs.mkdirSync(content);
      layer.rollback(savepoint);
      expect(treeOf(layer.fs, ".")).toEqual(["a.txt: alpha"]);
    }
  });

  test("can1357/oh-my-pi#4621: a lock that another program takes is seen", () => {
    const root = plant({ index: "1" });
    const { fs } = open(root);
    expect(fs.existsSync("index.lock")).toBe(false);
    nodeFs.writeFileSync(join(root, "index.lock"), "theirs", { flag: "wx" });
    expect(() => fs.openSync("index.lock", "wx")).toThrow(
      expect.objectContaining({ code: "EEXIST" }),
    );
    nodeFs.writeFileSync(join(root, "index"), "2");
    expect(fs.readFileSync("index", "utf8")).toBe("2");
    nodeFs.unlinkSync(join(root, "index.lock"));
    fs.closeSync(fs.openSync("index.lock", "wx"));
  });

  test("vercel-labs/just-bash#258: links of one overlay lead on in the overlay above it", () => {
    const root = plant({ "a.txt": "alpha", "d/f": "f" });
    const below = open(root);
    below.fs.symlinkSync("../a.txt", "d/link");
    below.fs.symlinkSync("d", "dlink");
    const { fs } = open(root, { lower: below.fs });
    fs.symlinkSync("dlink/link", "top");
    fs.writeFileSync("top", "through three links");
    expect(fs.readFileSync("a.txt", "utf8")).toBe("through three links");
    expect(fs.realpathSync("top")).toBe(join(root, "a.txt"));
    expect(below.fs.readFileSync("a.txt", "utf8")).toBe("alpha");
    expect(fs.lstatSync("d/link").isSymbolicLink()).toBe(true);
  });
});
