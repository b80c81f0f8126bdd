import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import nodeFs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import type { OverlayFs } from "../../src/overlay/layer.ts";
import { open, plant } from "./scratch.ts";

// Another program replaces a directory by a link while the overlay remembers where its path leads.

const canarySize = 4321;
const ownSize = 7;

/** What a call told, or the code of its error. */
async function told(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

function later<T>(start: (done: (error: unknown, value?: T) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}

interface Sized {
  readonly size: number | bigint;
}

type Looks = Readonly<Record<string, (fs: OverlayFs, d: string) => unknown>>;

/** Forms that tell of what lies under a name in `d`, and may do so by where its path led before. */
const looks: Looks = {
  statSync: (fs, d) => fs.statSync(join(d, "f")).size,
  "statSync, bigint": (fs, d) => Number(fs.statSync(join(d, "f"), { bigint: true }).size),
  lstatSync: (fs, d) => fs.lstatSync(join(d, "f")).size,
  stat: async (fs, d) => {
    return ((await later((done) => fs.stat(join(d, "f"), done))) as Sized).size;
  },
  lstat: async (fs, d) => {
    return ((await later((done) => fs.lstat(join(d, "f"), done))) as Sized).size;
  },
  "promises.stat": async (fs, d) => (await fs.promises.stat(join(d, "f"))).size,
  "promises.lstat": async (fs, d) => (await fs.promises.lstat(join(d, "f"))).size,
  existsSync: (fs, d) => fs.existsSync(join(d, "only")),
  accessSync: (fs, d) => fs.accessSync(join(d, "only")),
  "promises.access": (fs, d) => fs.promises.access(join(d, "only")),
  readlinkSync: (fs, d) => fs.readlinkSync(join(d, "link")),
  "promises.readlink": (fs, d) => fs.promises.readlink(join(d, "link")),
  "realpathSync.native": (fs, d) => fs.realpathSync.native(join(d, "only")),
  "promises.realpath": (fs, d) => fs.promises.realpath(join(d, "only")),
};

/** Forms that read what `d` holds. */
const reads: Looks = {
  realpathSync: (fs, d) => fs.realpathSync(join(d, "only")),
  readdirSync: (fs, d) => fs.readdirSync(d),
  "promises.readdir": (fs, d) => fs.promises.readdir(d),
  readFileSync: (fs, d) => fs.readFileSync(join(d, "f")).length,
  "promises.readFile": async (fs, d) => (await fs.promises.readFile(join(d, "f"))).length,
};

/** A root with a directory `d`, and a directory outside of it with the same names and one more. */
function plantBoth(): { readonly root: string; readonly outside: string; readonly d: string } {
  const outside = plant({ f: "x".repeat(canarySize), only: "o" });
  const root = plant({ "d/f": "x".repeat(ownSize), "e/f": "inside", "e/only": "o" });
  nodeFs.symlinkSync("theirs", join(outside, "link"));
  nodeFs.symlinkSync("ours", join(root, "d/link"));
  nodeFs.symlinkSync("moved", join(root, "e/link"));
  return { root, outside, d: join(root, "d") };
}

function swap(d: string, target: string): () => void {
  nodeFs.renameSync(d, `${d}.away`);
  nodeFs.symlinkSync(target, d);
  return () => {
    nodeFs.unlinkSync(d);
    nodeFs.renameSync(`${d}.away`, d);
  };
}

describe("a directory that has become a link since the last look", () => {
  for (const [form, read] of Object.entries(reads)) {
    test(`leads ${form} nowhere outside`, async () => {
      const { root, outside, d } = plantBoth();
      const { fs } = open(root);
      for (let round = 0; round < 3; round++) {
        const before = await told(() => read(fs, d));
        expect(fs.statSync(join(d, "f")).size).toBe(ownSize);
        const undo = swap(d, outside);
        const during = await told(() => read(fs, d));
        undo();
        expect(during).toBe("EACCES");
        expect(await told(() => read(fs, d))).toEqual(before);
      }
    });
  }

  test("is taken for a directory by looks until the next look at it, and not longer", async () => {
    const { root, outside, d } = plantBoth();
    const { fs } = open(root);
    for (const look of Object.values(looks)) await told(() => look(fs, d));
    const undo = swap(d, outside);
    await sleep(250);
    for (const [form, look] of Object.entries(looks)) {
      const during = await told(() => look(fs, d));
      expect([form, during]).toEqual([form, form === "existsSync" ? false : "EACCES"]);
    }
    undo();
  });
});

const policy = { denyWrite: ["no-such-place"] };

describe("under a policy, a directory that has become a link since the last look", () => {
  for (const [form, look] of Object.entries({ ...looks, ...reads })) {
    test(`leads ${form} where the link leads`, async () => {
      const { root, outside, d } = plantBoth();
      const { fs } = open(root, { policy });
      const refused = form === "existsSync" ? false : "EACCES";
      for (let round = 0; round < 3; round++) {
        const before = await told(() => look(fs, d));
        const inside = await told(() => look(fs, join(root, "e")));
        expect(fs.statSync(join(d, "f")).size).toBe(ownSize);
        const undo = swap(d, outside);
        expect(await told(() => look(fs, d))).toBe(refused);
        undo();
        expect(await told(() => look(fs, d))).toEqual(before);
        const undoInside = swap(d, join(root, "e"));
        expect(await told(() => look(fs, d))).toEqual(inside);
        undoInside();
      }
    });
  }
});

describe("what another program does to a directory is seen at once", () => {
  const sizeOf = (fs: OverlayFs, path: string) =>
    fs.statSync(path, { throwIfNoEntry: false })?.size;

  test("when another directory takes its place", () => {
    const { root, d } = plantBoth();
    const { fs } = open(root);
    for (let round = 0; round < 5; round++) {
      expect(sizeOf(fs, join(d, "f"))).toBe(ownSize);
      nodeFs.renameSync(d, `${d}.away`);
      expect(sizeOf(fs, join(d, "f"))).toBeUndefined();
      nodeFs.mkdirSync(d);
      expect(sizeOf(fs, join(d, "f"))).toBeUndefined();
      nodeFs.writeFileSync(join(d, "f"), "other");
      expect(sizeOf(fs, join(d, "f"))).toBe(5);
      nodeFs.rmSync(d, { recursive: true });
      expect(sizeOf(fs, join(d, "f"))).toBeUndefined();
      nodeFs.renameSync(`${d}.away`, d);
    }
  });

  test("when an empty one is replaced, and when it is removed and made again", () => {
    const root = plant({ "full/f": "full" });
    const d = join(root, "d");
    nodeFs.mkdirSync(d);
    const { fs } = open(root);
    expect(sizeOf(fs, join(d, "f"))).toBeUndefined();
    nodeFs.renameSync(join(root, "full"), d);
    expect(sizeOf(fs, join(d, "f"))).toBe(4);
    nodeFs.unlinkSync(join(d, "f"));
    expect(sizeOf(fs, join(d, "f"))).toBeUndefined();
    nodeFs.rmdirSync(d);
    nodeFs.mkdirSync(d);
    nodeFs.writeFileSync(join(d, "f"), "again");
    expect(sizeOf(fs, join(d, "f"))).toBe(5);
  });

  test("when a directory above it moves", () => {
    const root = plant({ "a/b/c/f": "one", "x/b/c/f": "three" });
    const { fs } = open(root);
    const path = join(root, "a/b/c/f");
    expect(sizeOf(fs, path)).toBe(3);
    nodeFs.renameSync(join(root, "a"), join(root, "away"));
    expect(sizeOf(fs, path)).toBeUndefined();
    nodeFs.renameSync(join(root, "x"), join(root, "a"));
    expect(sizeOf(fs, path)).toBe(5);
  });

  test("when the root itself moves", () => {
    const home = plant({ "root/d/f": "one", "other/d/f": "three" });
    const root = join(home, "root");
    const { fs } = open(root);
    expect(sizeOf(fs, join(root, "d/f"))).toBe(3);
    nodeFs.renameSync(root, join(home, "away"));
    nodeFs.renameSync(join(home, "other"), root);
    expect(sizeOf(fs, join(root, "d/f"))).toBe(5);
  });

  test("when it is closed to this user", () => {
    const root = plant({ "a/d/f": "one" });
    const { fs } = open(root);
    const { geteuid, seteuid } = process;
    const isRoot = geteuid?.() === 0;
    nodeFs.chmodSync(root, 0o755);
    if (isRoot) seteuid?.(31_415);
    onTestFinished(() => {
      if (isRoot) process.seteuid?.(0);
      nodeFs.chmodSync(join(root, "a"), 0o755);
    });
    expect(sizeOf(fs, join(root, "a/d/f"))).toBe(3);
    if (isRoot) seteuid?.(0);
    expect(sizeOf(fs, join(root, "a/d/f"))).toBe(3);
    nodeFs.chmodSync(join(root, "a"), 0o600);
    if (isRoot) seteuid?.(31_415);
    expect(() => fs.statSync(join(root, "a/d/f"))).toThrow(
      expect.objectContaining({ code: "EACCES" }),
    );
  });
});

/** Swaps a directory and a link to another one as fast as it can, until it is ended. */
async function flipping(d: string, target: string): Promise<ChildProcess> {
  const program = `
    const fs = require("node:fs");
    const [d, target] = process.argv.slice(1);
    fs.symlinkSync(target, d + ".link");
    process.stdout.write("ready");
    for (;;) {
      fs.renameSync(d, d + ".away");
      fs.renameSync(d + ".link", d);
      fs.renameSync(d, d + ".link");
      fs.renameSync(d + ".away", d);
    }`;
  const child = spawn(process.execPath, ["-e", program, d, target]);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  await once(child.stdout, "data");
  return child;
}

test("under a policy, nothing outside is looked at while a directory becomes a link", async () => {
  const { root, outside, d } = plantBoth();
  const { fs } = open(root, { policy });
  const child = await flipping(d, outside);
  const seen = new Set<unknown>();
  const end = Date.now() + 2000;
  for (let turn = 0; turn < 20 || Date.now() < end || !seen.has(ownSize); turn++) {
    for (const form of ["statSync", "lstatSync", "statSync, bigint", "promises.stat"]) {
      seen.add(await told(() => looks[form]?.(fs, d)));
    }
    seen.add(`${await told(() => fs.existsSync(join(d, "only")))}`);
    seen.add(`${await told(() => fs.readlinkSync(join(d, "link")))}`);
    if ((await told(() => fs.accessSync(join(d, "only")))) === undefined) seen.add("only");
  }
  expect(child.exitCode).toBe(null);
  expect(seen).toContain("ours");
  expect(seen).toContain("EACCES");
  for (const outsider of [canarySize, "true", "theirs", "only"]) {
    expect([...seen]).not.toContain(outsider);
  }
});

test("nothing outside is read while a directory becomes a link and a directory again", async () => {
  const { root, outside, d } = plantBoth();
  const { fs } = open(root);
  const child = await flipping(d, outside);
  const seen = new Set<unknown>();
  const end = Date.now() + 1000;
  for (let turn = 0; turn < 20 || Date.now() < end || !seen.has(ownSize); turn++) {
    seen.add(await told(() => fs.statSync(d).isDirectory()));
    for (const form of ["readFileSync", "promises.readFile", "readdirSync", "promises.readdir"]) {
      seen.add(String(await told(() => reads[form]?.(fs, d))));
    }
    seen.add(await told(() => fs.readFileSync(join(d, "f")).length));
  }
  expect(child.exitCode).toBe(null);
  expect([...seen]).not.toContain(canarySize);
  expect([...seen].filter((value) => /only|theirs|4321/.test(String(value)))).toEqual([]);
  expect(seen).toContain("EACCES");
});
