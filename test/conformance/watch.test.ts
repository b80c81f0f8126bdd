import nodeFs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openLayer } from "../../src/overlay/layer.ts";
import { plantKept } from "../overlay/scratch.ts";

type Fs = typeof nodeFs;

/** Long enough for a watcher of the disk to be in place, and for its events to have arrived. */
const settleMs = 300;

interface Watched {
  readonly name: string;
  /** What is watched, below the root. */
  readonly path: string;
  /** Done before the watcher starts. */
  readonly before?: (fs: Fs, at: (path: string) => string) => void;
  readonly act: (fs: Fs, at: (path: string) => string) => void;
}

const seed = { "d/a": "alpha", "d/b": "bravo", "d/sub/c": "charlie", "e/f": "foxtrot" };

/** Things that programs do, and what of them is told to a watcher of `path`. */
const cases: readonly Watched[] = [
  { name: "a new file", path: "d", act: (fs, at) => fs.writeFileSync(at("d/n"), "new") },
  { name: "a new empty file", path: "d", act: (fs, at) => fs.writeFileSync(at("d/n"), "") },
  { name: "a write", path: "d", act: (fs, at) => fs.writeFileSync(at("d/a"), "other") },
  { name: "an append", path: "d", act: (fs, at) => fs.appendFileSync(at("d/a"), "+") },
  { name: "a truncation", path: "d", act: (fs, at) => fs.truncateSync(at("d/a"), 1) },
  {
    name: "writes through a descriptor",
    path: "d",
    act: (fs, at) => {
      const descriptor = fs.openSync(at("d/a"), "r+");
      fs.writeSync(descriptor, "x", 0);
      fs.closeSync(descriptor);
    },
  },
  {
    name: "reading",
    path: "d",
    act: (fs, at) => {
      fs.readFileSync(at("d/a"));
      fs.statSync(at("d/b"));
      fs.readdirSync(at("d"));
    },
  },
  { name: "chmod", path: "d", act: (fs, at) => fs.chmodSync(at("d/a"), 0o600) },
  { name: "chmod of a directory", path: "d", act: (fs, at) => fs.chmodSync(at("d/sub"), 0o700) },
  { name: "chmod of the watched", path: "d", act: (fs, at) => fs.chmodSync(at("d"), 0o700) },
  { name: "utimes", path: "d", act: (fs, at) => fs.utimesSync(at("d/a"), 1, 1) },
  { name: "mkdir", path: "d", act: (fs, at) => fs.mkdirSync(at("d/new")) },
  { name: "mkdir -p", path: "d", act: (fs, at) => fs.mkdirSync(at("d/x/y"), { recursive: true }) },
  { name: "mkdtemp", path: "d", act: (fs, at) => fs.rmdirSync(fs.mkdtempSync(at("d/t-"))) },
  { name: "symlink", path: "d", act: (fs, at) => fs.symlinkSync("a", at("d/l")) },
  { name: "link", path: "d", act: (fs, at) => fs.linkSync(at("d/a"), at("d/l")) },
  { name: "unlink", path: "d", act: (fs, at) => fs.unlinkSync(at("d/a")) },
  {
    name: "unlink of one of two names",
    path: "d",
    before: (fs, at) => fs.linkSync(at("d/a"), at("e/a2")),
    act: (fs, at) => fs.unlinkSync(at("d/a")),
  },
  { name: "rename", path: "d", act: (fs, at) => fs.renameSync(at("d/a"), at("d/z")) },
  { name: "rename over", path: "d", act: (fs, at) => fs.renameSync(at("d/a"), at("d/b")) },
  { name: "rename out", path: "d", act: (fs, at) => fs.renameSync(at("d/a"), at("e/a")) },
  { name: "rename in", path: "d", act: (fs, at) => fs.renameSync(at("e/f"), at("d/f")) },
  {
    name: "rename of a directory",
    path: "d",
    act: (fs, at) => fs.renameSync(at("d/sub"), at("d/zub")),
  },
  { name: "copyFile", path: "d", act: (fs, at) => fs.copyFileSync(at("d/a"), at("d/copy")) },
  { name: "a change below", path: "d", act: (fs, at) => fs.writeFileSync(at("d/sub/c"), "x") },
  { name: "a new name below", path: "d", act: (fs, at) => fs.writeFileSync(at("d/sub/n"), "x") },
  { name: "a change beside", path: "d", act: (fs, at) => fs.writeFileSync(at("e/f"), "x") },
  { name: "rm -r", path: "d", act: (fs, at) => fs.rmSync(at("d/sub"), { recursive: true }) },
  {
    name: "rm -r of the watched",
    path: "d/sub",
    act: (fs, at) => fs.rmSync(at("d/sub"), { recursive: true }),
  },
  {
    name: "rename of the watched directory",
    path: "d/sub",
    act: (fs, at) => {
      fs.renameSync(at("d/sub"), at("d/moved"));
      fs.writeFileSync(at("d/moved/n"), "n");
    },
  },
  {
    name: "a directory of the overlay's own",
    path: "own",
    before: (fs, at) => {
      fs.mkdirSync(at("own"));
      fs.writeFileSync(at("own/f"), "f");
    },
    act: (fs, at) => {
      fs.appendFileSync(at("own/f"), "+");
      fs.renameSync(at("own/f"), at("own/g"));
      fs.mkdirSync(at("own/h"));
    },
  },
  {
    name: "a renamed directory",
    path: "moved",
    before: (fs, at) => fs.renameSync(at("d"), at("moved")),
    act: (fs, at) => {
      fs.appendFileSync(at("moved/a"), "+");
      fs.unlinkSync(at("moved/b"));
    },
  },
  {
    name: "a watched file is written",
    path: "d/a",
    act: (fs, at) => fs.writeFileSync(at("d/a"), "x"),
  },
  { name: "a watched file's mode", path: "d/a", act: (fs, at) => fs.chmodSync(at("d/a"), 0o600) },
  {
    name: "a watched file's neighbour",
    path: "d/a",
    act: (fs, at) => fs.writeFileSync(at("d/b"), "x"),
  },
  { name: "a watched file goes", path: "d/a", act: (fs, at) => fs.unlinkSync(at("d/a")) },
  {
    name: "a watched file is moved and written",
    path: "d/a",
    act: (fs, at) => {
      fs.renameSync(at("d/a"), at("d/z"));
      fs.writeFileSync(at("d/z"), "x");
    },
  },
  {
    name: "a watched file is replaced, and its successor written",
    path: "d/a",
    act: (fs, at) => {
      fs.writeFileSync(at("d/next"), "x");
      fs.renameSync(at("d/next"), at("d/a"));
      fs.writeFileSync(at("d/a"), "y");
    },
  },
  {
    name: "a file that has come is written by its other name",
    path: "n",
    before: (fs, at) => {
      fs.writeFileSync(at("n"), "n");
      fs.linkSync(at("n"), at("m"));
    },
    act: (fs, at) => fs.appendFileSync(at("m"), "+"),
  },
  {
    name: "a link that is watched",
    path: "l",
    before: (fs, at) => fs.symlinkSync("d/a", at("l")),
    act: (fs, at) => fs.writeFileSync(at("d/a"), "x"),
  },
];

/** Events of a watcher as a set: how many there are is the kernel's affair. */
async function record(fs: Fs, root: string, watched: Watched): Promise<readonly string[]> {
  const at = (path: string) => join(root, path);
  watched.before?.(fs, at);
  const events = new Set<string>();
  const watcher = fs.watch(at(watched.path), (type, name) => {
    events.add(`${type} ${name?.replace(/^t-.*/, "t-")}`);
  });
  const failures: string[] = [];
  watcher.on("error", (error) => failures.push(String(error)));
  await sleep(settleMs);
  watched.act(fs, at);
  await sleep(settleMs);
  watcher.close();
  return [...failures, ...[...events].sort()];
}

describe("watch tells what a watcher of the disk is told:", () => {
  const outcomes = new Map<string, readonly [readonly string[], readonly string[]]>();
  beforeAll(async () => {
    await Promise.all(
      cases.map(async (watched) => {
        const [real, root] = [plantKept(seed), plantKept(seed)];
        const layer = openLayer({ root });
        const expected = record(nodeFs, real, watched);
        const got = record(layer.fs, root, watched);
        outcomes.set(watched.name, [await expected, await got]);
        layer.close();
        for (const directory of [real, root]) nodeFs.rmSync(directory, { recursive: true });
      }),
    );
  });
  for (const { name } of cases) {
    test(name, () => {
      const [expected, got] = outcomes.get(name) ?? [];
      expect(got).toEqual(expected);
    });
  }
  afterAll(() => outcomes.clear());
});
