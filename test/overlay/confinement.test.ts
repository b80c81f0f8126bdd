import nodeFs from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { nativeCalls } from "../../src/disk/native/native-calls.ts";
import { open, plant } from "./scratch.ts";

const refused = expect.objectContaining({ code: "EACCES" });

/** Swaps a directory for a link just before the disk is asked for its names. */
function swapWhenListed(directory: string, target: string) {
  let count = 0;
  const swap = () => {
    if (count++ > 0) return;
    nodeFs.renameSync(directory, `${directory}.away`);
    nodeFs.symlinkSync(target, directory);
  };
  const { readdirSync, readdir: readdirLater } = nodeFs;
  const { readdir } = nodeFs.promises;
  const spies = [
    vi.spyOn(nodeFs, "readdirSync").mockImplementation(((...input: Parameters<typeof readdir>) => {
      swap();
      return readdirSync(...(input as unknown as Parameters<typeof readdirSync>));
    }) as never),
    vi.spyOn(nodeFs.promises, "readdir").mockImplementation(((
      ...input: Parameters<typeof readdir>
    ) => {
      swap();
      return readdir(...input);
    }) as never),
    vi.spyOn(nodeFs, "readdir").mockImplementation(((...input: never[]) => {
      swap();
      Reflect.apply(readdirLater, nodeFs, input);
    }) as never),
  ];
  const native = nativeCalls(0);
  if (native !== undefined) {
    const { namesIn } = native;
    const listNatively = vi.spyOn(native, "namesIn").mockImplementation((...input) => {
      swap();
      return namesIn(...input);
    });
    spies.push(listNatively as never);
  }
  const undo = () => {
    for (const spy of spies) spy.mockRestore();
    nodeFs.unlinkSync(directory);
    nodeFs.renameSync(`${directory}.away`, directory);
  };
  return {
    undo,
    get count() {
      return count;
    },
  };
}

describe("the root", () => {
  // nodejs/node#64409, #62328, bashkit#980.
  test("is not left by an absolute path, by dots or by links of either layer", () => {
    const outside = plant({ secret: "s" });
    const root = plant({ "d/x": "x" });
    nodeFs.symlinkSync(join(outside, "secret"), join(root, "lower-link"));
    nodeFs.symlinkSync(outside, join(root, "lower-directory"));
    const { fs } = open(root);
    fs.symlinkSync(join("..", "..", basename(outside), "secret"), "d/upper-link");
    for (const path of [
      join(outside, "secret"),
      join("..", basename(outside), "secret"),
      "lower-link",
      "lower-directory/secret",
      "d/upper-link",
    ]) {
      expect(() => fs.readFileSync(path), path).toThrow(refused);
      expect(() => fs.writeFileSync(path, "x"), path).toThrow(refused);
      expect(() => fs.statSync(path), path).toThrow(refused);
    }
    expect(() => fs.linkSync(join(outside, "secret"), "hard")).toThrow(refused);
    expect(() => fs.renameSync("d/x", join(outside, "x"))).toThrow(refused);
    expect(nodeFs.readdirSync(outside)).toEqual(["secret"]);
  });

  test("is entered again by a path that leads around it", () => {
    const root = plant({ f: "x" });
    const { fs } = open(root);
    expect(fs.readFileSync(`${root}/../${basename(root)}/f`, "utf8")).toBe("x");
  });

  test("is not left through a directory that becomes a link while it is remembered", async () => {
    const outside = plant({ f: "secret" });
    const root = plant({ "d/f": "ours" });
    const { fs } = open(root);
    expect(fs.readFileSync(join(root, "d/f"), "utf8")).toBe("ours");
    nodeFs.rmSync(join(root, "d"), { recursive: true });
    nodeFs.symlinkSync(outside, join(root, "d"));
    await sleep(250);
    expect(() => fs.readFileSync(join(root, "d/f"), "utf8")).toThrow(refused);
  });

  for (const [where, prepare] of [
    ["an untouched directory", () => {}],
    ["a merged directory", (fs: typeof nodeFs) => fs.writeFileSync("d/zoo", "n")],
  ] as const) {
    test(`lists no names outside when ${where} becomes a link on the way`, async () => {
      const outside = plant({ secret: "s" });
      const root = plant({ "d/ours": "o" });
      const { fs } = open(root);
      prepare(fs);
      const directory = join(root, "d");
      const forms: readonly (() => Promise<unknown> | unknown)[] = [
        () => fs.readdirSync(directory),
        () => fs.readdirSync(directory, { withFileTypes: true }).map(({ name }) => name),
        () => fs.promises.readdir(directory),
        () => new Promise((done) => fs.readdir(directory, (error, names) => done(error ?? names))),
        () => fs.opendirSync(directory).readSync()?.name,
      ];
      for (const list of forms) {
        expect(String(await list())).toContain("ours");
        const swapped = swapWhenListed(directory, outside);
        const outcome = await Promise.resolve()
          .then(list)
          .catch((error: Error) => error.message);
        swapped.undo();
        expect(String(outcome)).not.toContain("secret");
        expect(swapped.count).toBeGreaterThan(0);
      }
    });
  }

  test("is looked at again also after the overlay was closed", async () => {
    const outside = plant({ f: "secret" });
    const root = plant({ "d/f": "ours" });
    const layer = open(root);
    expect(layer.fs.existsSync(join(root, "d/f"))).toBe(true);
    layer.close();
    expect(layer.fs.statSync(join(root, "d/f")).size).toBe(4);
    nodeFs.renameSync(join(root, "d"), join(root, "away"));
    nodeFs.symlinkSync(outside, join(root, "d"));
    await sleep(250);
    expect(() => layer.fs.statSync(join(root, "d/f"))).toThrow(refused);
  });

  test("takes a lone surrogate in a path for what Node does, and not for a byte", () => {
    const root = plant({ "d/f": "x" });
    const byte = (path: string) => Buffer.concat([Buffer.from(join(root, path)), Buffer.of(0x80)]);
    nodeFs.writeFileSync(byte("d/"), "x");
    nodeFs.mkdirSync(byte("e"));
    nodeFs.writeFileSync(Buffer.concat([byte("e"), Buffer.from("/f")]), "x");
    const { fs } = open(root);
    for (const name of ["d/\udc80", "e\udc80/f"]) {
      const path = join(root, name);
      expect(fs.existsSync(path), name).toBe(nodeFs.existsSync(path));
      expect(fs.statSync(path, { throwIfNoEntry: false }), name).toBeUndefined();
    }
    expect(fs.existsSync(byte("d/"))).toBe(true);
  });

  test("hides the state directory from every view", () => {
    const root = plant({ ".draftfs/format": "draftfs 1\n", f: "x" });
    const { fs } = open(root);
    expect(fs.readdirSync(".")).toEqual(["f"]);
    expect(fs.existsSync(".draftfs/format")).toBe(false);
    expect(fs.existsSync(join(root, ".draftfs/format"))).toBe(false);
    expect(() => fs.mkdirSync(".draftfs")).toThrow(refused);
    expect(() => fs.renameSync("f", ".draftfs")).toThrow(refused);
  });
});

describe("a policy", () => {
  test("lets paths outside be read that it names, and never written", () => {
    const outside = plant({ "shared/f": "shared", other: "o" });
    const { fs } = open(plant(), { policy: { allowRead: [`${outside}/shared`] } });
    expect(fs.readFileSync(join(outside, "shared/f"), "utf8")).toBe("shared");
    expect(fs.readdirSync(join(outside, "shared"))).toEqual(["f"]);
    expect(fs.realpathSync.native(join(outside, "shared/f"))).toBe(join(outside, "shared/f"));
    expect(() => fs.readFileSync(join(outside, "other"))).toThrow(refused);
    for (const change of [
      () => fs.writeFileSync(join(outside, "shared/f"), "x"),
      () => fs.writeFileSync(join(outside, "shared/new"), "x"),
      () => fs.chmodSync(join(outside, "shared/f"), 0o600),
      () => fs.unlinkSync(join(outside, "shared/f")),
      () => fs.linkSync(join(outside, "shared/f"), "hard"),
    ]) {
      expect(change).toThrow(refused);
    }
  });

  test("forbids reading by globs, also under another name", () => {
    const { fs } = open(plant({ "keys/id": "k", "src/a.env": "e", "src/a.ts": "t" }), {
      policy: { denyRead: ["keys", "**/*.env"] },
    });
    expect(() => fs.readFileSync("keys/id")).toThrow(refused);
    expect(() => fs.readFileSync("src/a.env")).toThrow(refused);
    expect(fs.readFileSync("src/a.ts", "utf8")).toBe("t");
    fs.renameSync("src", "moved");
    expect(() => fs.readFileSync("moved/a.env")).toThrow(refused);
    expect(() => fs.copyFileSync("moved/a.env", "copy")).toThrow(refused);
  });

  test("forbids writing by globs and leaves reading alone", () => {
    const { fs } = open(plant({ "package.json": "{}", "src/a.ts": "t" }), {
      policy: { denyWrite: ["package.json", "src"] },
    });
    expect(fs.readFileSync("package.json", "utf8")).toBe("{}");
    for (const change of [
      () => fs.writeFileSync("package.json", "x"),
      () => fs.openSync("package.json", "r+"),
      () => fs.truncateSync("package.json"),
      () => fs.chmodSync("src/a.ts", 0o600),
      () => fs.writeFileSync("src/new.ts", "x"),
      () => fs.rmSync("src", { recursive: true }),
      () => fs.linkSync("package.json", "alias"),
      () => fs.renameSync("package.json", "x"),
    ]) {
      expect(change).toThrow(refused);
    }
  });
});

describe("observations", () => {
  test("tell what was read of the lower, also what was not there", () => {
    const root = plant({ "d/f": "x", g: "y" });
    const layer = open(root, { isolation: "serializable" });
    layer.fs.readFileSync(join(root, "d/f"));
    layer.fs.existsSync(join(root, "missing"));
    layer.fs.readdirSync(join(root, "d"));
    layer.fs.writeFileSync("new", "1");
    layer.fs.readFileSync("new");
    const seen = [...layer.observed()].map(({ path, stamp }) => `${path} ${stamp?.kind}`);
    expect(seen).toEqual(["d/f file", "missing undefined", "d directory", "new undefined"]);
  });
});
