import { spawnSync } from "node:child_process";
import fs, { appendFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { fc } from "../support/properties.ts";
import {
  contentOf,
  inodesOf,
  makeTwinTrees,
  movedInodes,
  openRoot,
  renamesIn,
  runInBoth,
  sandboxOf,
} from "./moved-files-fixture.ts";
import { allEngines } from "./sandbox-fixture.ts";

/** One script for each command, and what they rename: plain commands move just these inodes. */
const moves: readonly (readonly [scripts: readonly string[], renames: readonly string[]])[] = [
  [["mv a z"], ["a -> z"]],
  [["mv a d/z"], ["a -> d/z"]],
  [["mv link d/link"], ["link -> d/link"]],
  [["mv a c"], ["a -> c"]],
  [["mv a z; chmod 600 z; touch -d @1000 z"], ["a -> z"]],
  // Chains and swaps.
  [["mv a t; mv c a; mv t c"], ["a -> c", "c -> a"]],
  [["mv a t; mv c a; mv d/a c; mv t d/a"], ["a -> d/a", "c -> a", "d/a -> c"]],
  [["mv a z; mv c a"], ["a -> z", "c -> a"]],
  [["mv a z; mv z y; mv y x"], ["a -> x"]],
  [["mv a z", "mv z y", "mv y d/x"], ["a -> d/x"]],
  // Something new in its place.
  [["mv a z; echo new > a"], ["a -> z"]],
  [["mv a z", "echo new > a"], ["a -> z"]],
  [["sed -i.bak s/alpha/omega/ a"], ["a -> a.bak"]],
  [["mv a z; mkdir a; echo new > a/new"], ["a -> z"]],
  [["mv a z", "mv z y; echo new > z"], ["a -> y"]],
  // Out of directories that are gone, and into new ones.
  [["mkdir n; mv d/a n/a; rm -r d"], ["d/a -> n/a"]],
  [["mkdir n; mv e/deep/a n/z; rm -r e; mkdir e"], ["e/deep/a -> n/z"]],
  [["mv d/a z; rm -r d; echo file > d"], ["d/a -> z"]],
  // And back.
  [["mv a z; mv z a"], []],
  [["mv a z", "mv z a"], []],
  [["mv a t; mv c a; mv t c", "mv a t; mv c a; mv t c"], []],
  [
    ["mv a t; mv c a; mv t c", "mv a z; mv c y"],
    ["a -> y", "c -> z"],
  ],
  // What is another file, whatever it holds.
  [["cp a z; rm a"], []],
  [["cp -p a z; rm a"], []],
  [["cp -p a z; mv c y; rm a"], ["c -> y"]],
  [["echo alpha > z; rm a"], []],
  [["rm a; echo alpha > z"], []],
  [["rm a", "echo alpha > z"], []],
  [["mv a z; cp z t; mv t z"], []],
];

/** Only told as one: files are replaced when their content is, also those that have moved. */
const changedMoves: typeof moves = [
  [["mv a z; echo more >> z"], ["a -> z"]],
  [["echo more >> a; mv a z"], ["a -> z"]],
  [["echo more >> a", "mv a z"], ["a -> z"]],
  [["mv a z", "echo more >> z"], ["a -> z"]],
  [["mv a c; echo more >> c"], ["a -> c"]],
];

/** With several names before, or after: told as names that come and go. */
const linkedMoves: typeof moves = [
  [["mv b z"], []],
  [["mv d/hard z; mv b y"], []],
  [["ln a z"], []],
  [["ln a z; ln a y; rm a"], []],
];

/** What a list of moves renames, with the number of each for a directory. */
function inDirectories(list: typeof moves): string[] {
  return list.flatMap(([, renames], index) => renames.map((each) => prefixed(each, index))).sort();
}

function prefixed(rename: string, index: number): string {
  return rename
    .split(" -> ")
    .map((path) => `${index}/${path}`)
    .join(" -> ");
}

// Without the files that have several names on the disk: overlayfs parts them.
const path = fc.constantFrom("a", "c", "z", "d/a", "d/b", "d/z", "link", "n/a", "n/z");
/** What a random command does, a step after the other. */
const program = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.tuple(path, path).map(([one, other]) => `mv ${one} ${other}`) },
      { weight: 2, arbitrary: fc.tuple(path, path).map(([one, two]) => `ln ${one} ${two}`) },
      { weight: 2, arbitrary: path.map((at) => `[ -L ${at} ] || echo more >> ${at}`) },
      { weight: 1, arbitrary: path.map((at) => `echo new > t; mv t ${at}`) },
      { weight: 2, arbitrary: path.map((at) => `rm -f ${at}`) },
      { weight: 1, arbitrary: fc.constantFrom("mkdir n", "rm -r d", "rm -r n", "mv n m") },
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((steps) => steps.join("; "));

describe.each(allEngines)("what a command of engine %s renames", (engine) => {
  it("is told as that, keeps its inode, and goes back by an undo", async () => {
    const trees = makeTwinTrees(moves.length);
    const [before, beforeDirect] = [inodesOf(trees.root), inodesOf(trees.direct)];
    await using overlay = await openRoot(trees, engine);
    for (const [index, [scripts]] of moves.entries()) {
      for (const script of scripts) await runInBoth(trees, overlay, script, index);
    }
    const renames = inDirectories(moves);
    expect(await renamesIn(overlay)).toEqual(renames);
    await overlay.commit();
    expect(contentOf(trees.root)).toEqual(contentOf(trees.direct));
    expect(movedInodes(trees.root, before)).toEqual(renames);
    expect(movedInodes(trees.direct, beforeDirect)).toEqual(renames);
    await overlay.undo();
    expect(movedInodes(trees.root, before)).toEqual([]);
  });

  it.each([
    ["and changes is told as both", changedMoves],
    ["and has several names is told as names that come and go", linkedMoves],
  ])("%s", async (_, list) => {
    const trees = makeTwinTrees(list.length);
    await using overlay = await openRoot(trees, engine);
    for (const [index, [scripts]] of list.entries()) {
      for (const script of scripts) await runInBoth(trees, overlay, script, index);
    }
    expect(await renamesIn(overlay)).toEqual(inDirectories(list));
    await overlay.commit();
    if (list === changedMoves) expect(contentOf(trees.root)).toEqual(contentOf(trees.direct));
  });

  it("is never more than a plain command moves, whatever else it does", async () => {
    const programs = fc.sample(program, 40);
    const trees = makeTwinTrees(programs.length);
    const [before, beforeDirect] = [inodesOf(trees.root), inodesOf(trees.direct)];
    await using overlay = await openRoot(trees, engine);
    for (const [index, script] of programs.entries()) {
      await runInBoth(trees, overlay, script, index);
    }
    await overlay.commit();
    const told = movedInodes(trees.root, before);
    expect(told.length).toBeGreaterThan(10);
    const done = new Set(movedInodes(trees.direct, beforeDirect));
    expect(told.filter((rename) => !done.has(rename))).toEqual([]);
    for (const [index, script] of programs.entries()) {
      const at = (tree: string) => namesAndBytes(join(tree, `${index}`));
      expect([script, at(trees.root)]).toEqual([script, at(trees.direct)]);
    }
  });

  it("keeps its extended attributes, also where it takes the place of another one", async () => {
    const trees = makeTwinTrees(1);
    const at = (name: string): string => join(trees.root, "0", name);
    for (const name of ["a", "d/a"]) {
      spawnSync("setfattr", ["-n", "user.test", "-v", name, at(name)]);
    }
    const read = (name: string): string => {
      const words = ["--only-values", "-n", "user.test", at(name)];
      return spawnSync("getfattr", words, { encoding: "utf8" }).stdout;
    };
    expect(read("a")).toBe("a");
    await using overlay = await openRoot(trees, engine);
    await runInBoth(trees, overlay, "mv a z; mv d/a c");
    await overlay.commit();
    expect([read("z"), read("c")]).toEqual(["a", "d/a"]);
  });

  it.each([
    ["mv a z", "a"],
    ["mv large z", "large"],
    ["rm a", "a"],
    ["chmod 600 a", "a"],
  ])(
    "is not taken for what somebody else has written to meanwhile (%s)",
    async (change, written) => {
      const trees = makeTwinTrees(1);
      const place = join(trees.root, "0", written);
      fs.writeFileSync(join(trees.root, "0/large"), "large\n".repeat(100_000));
      const before = fs.readFileSync(place, "utf8");
      await using overlay = await openRoot(trees, engine);
      const script = `${change}; echo done; until [ -e go ]; do sleep 0.01; done; echo x > other`;
      const command = await overlay.spawn("sh", ["-c", script], {
        cwd: "0",
        stdio: ["ignore", "pipe", "ignore"],
      });
      await new Promise((resolve) => command.child.stdout?.once("data", resolve));
      appendFileSync(place, "theirs\n");
      overlay.fs.writeFileSync(join(trees.root, "0/go"), "");
      await command.result;
      expect(await renamesIn(overlay)).toEqual([]);
      await expect(overlay.commit()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
      expect(fs.readFileSync(place, "utf8")).toBe(`${before}theirs\n`);
      // What else it did is there.
      await overlay.commit({ include: ["0/other"] });
      expect(fs.readFileSync(join(trees.root, "0/other"), "utf8")).toBe("x\n");
    },
  );

  it.each(["a", "large"])("has one more name after a link to it (%s)", async (name) => {
    const trees = makeTwinTrees(1);
    const [file, link] = [name, "linked"].map((one) => join(trees.root, "0", one));
    fs.writeFileSync(join(trees.root, "0/large"), "large\n".repeat(100_000));
    const { ino } = fs.statSync(file ?? "");
    const bytes = fs.readFileSync(file ?? "");
    await using overlay = await openOverlay(trees.root, {
      draft: "main",
      sandbox: sandboxOf(engine),
    });
    await overlay.run("ln", [name, "linked"], { cwd: "0" });
    expect((await overlay.diff()).toPatch().includes(bytes.subarray(0, 5))).toBe(true);
    await overlay.saveDraft();
    await overlay.commit();
    expect(fs.statSync(link ?? "")).toMatchObject({ ino, nlink: 2 });
    expect(fs.readFileSync(link ?? "").equals(bytes)).toBe(true);
  });

  it("stays that in a saved draft, and goes on with what is done to it there", async () => {
    const trees = makeTwinTrees(1);
    const options = { draft: "main", sandbox: sandboxOf(engine) } as const;
    {
      await using overlay = await openOverlay(trees.root, options);
      await runInBoth(trees, overlay, "mv a z; mv c y");
      await overlay.saveDraft();
    }
    await using overlay = await openOverlay(trees.root, options);
    await runInBoth(trees, overlay, "echo more >> z; mv y x");
    expect(await renamesIn(overlay)).toContain("0/a -> 0/z");
    await overlay.commit();
    expect(contentOf(trees.root)).toEqual(contentOf(trees.direct));
  });
});

it("is each file of a directory that is moved in a clone", async () => {
  const trees = makeTwinTrees(1);
  const before = inodesOf(trees.root);
  await using overlay = await openRoot(trees, "clone");
  await runInBoth(trees, overlay, "mv d n; mv e f");
  const renames = ["0/d/a -> 0/n/a", "0/d/b -> 0/n/b", "0/e/deep/a -> 0/f/deep/a"];
  expect(await renamesIn(overlay)).toEqual(renames);
  await overlay.commit();
  expect(movedInodes(trees.root, before)).toEqual(renames);
});

/** What every name leads to, whichever of them are names of one file. */
function namesAndBytes(tree: string): Record<string, string> {
  const lines = Object.entries(contentOf(tree)).map(([name, line]) => [
    name,
    line.replace(/ links=.*/, ""),
  ]);
  return Object.fromEntries(lines);
}
