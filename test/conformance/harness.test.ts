import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { differencesOf, type Outcome } from "./harness/difference.ts";
import { changesBetween, fingerprintOf } from "./harness/lower-guard.ts";
import { scenario, type Trial } from "./harness/scenario.ts";
import { type Fs, plant, standardSeed } from "./harness/seed.ts";
import { clockTickMs, runIn } from "./harness/world.ts";

// The suite is only worth what it notices: each of these stands for a bug that it must report.

let home = "";
let count = 0;

beforeAll(() => {
  home = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-harness-")));
});
afterAll(() => nodeFs.rmSync(home, { recursive: true, force: true }));

/** Runs a program on a real directory, seen through `broken`. */
async function outcomeOf(program: (trial: Trial) => void, broken: object = {}): Promise<Outcome> {
  const root = join(home, `r${100 + count++}`);
  nodeFs.mkdirSync(root);
  plant(nodeFs, root, standardSeed);
  await new Promise((resolve) => setTimeout(resolve, clockTickMs));
  const marker = BigInt(Date.now()) * 1_000_000n;
  await new Promise((resolve) => setTimeout(resolve, clockTickMs));
  const fs = { ...nodeFs, ...broken } as Fs;
  return runIn({ fs, root, outside: join(home, "outside") }, scenario("", program), marker);
}

async function noticed(program: (trial: Trial) => void, broken: object): Promise<string[]> {
  const differences = differencesOf(await outcomeOf(program), await outcomeOf(program, broken));
  return differences.map((difference) => difference.at);
}

test("the same file system twice shows no difference", async () => {
  const program = ({ fs, at }: Trial) => {
    fs.writeFileSync(at("a.txt"), "x");
    fs.statSync(at("a.txt"));
    fs.mkdtempSync(at("t-"));
    fs.readFileSync(at("missing"));
  };
  expect(await noticed(program, {})).toEqual([]);
});

test("a chmod that does nothing shows in the tree", async () => {
  const program = ({ fs, at }: Trial) => fs.chmodSync(at("a.txt"), 0o600);
  expect(await noticed(program, { chmodSync: () => undefined })).toEqual(["tree: a.txt"]);
});

test("an error with another syscall, path or message shows", async () => {
  const program = ({ fs, at }: Trial) => fs.unlinkSync(at("missing"));
  const wrong = (path: string) => {
    try {
      nodeFs.unlinkSync(path);
    } catch (error) {
      throw Object.assign(error as Error, { syscall: "remove" });
    }
  };
  expect(await noticed(program, { unlinkSync: wrong })).toHaveLength(1);
});

test("a copy in place of a hard link shows", async () => {
  const program = ({ fs, at }: Trial) => fs.linkSync(at("a.txt"), at("al"));
  const found = await noticed(program, { linkSync: nodeFs.copyFileSync });
  expect(found).toContain("tree: al");
});

test("a time that moves without need shows", async () => {
  const program = ({ fs, at }: Trial) => fs.readFileSync(at("a.txt"));
  const touching = (path: string) => {
    nodeFs.utimesSync(path, new Date(), new Date());
    return nodeFs.readFileSync(path);
  };
  expect(await noticed(program, { readFileSync: touching })).toContain("tree: a.txt");
});

test("a lower that was touched and put back is caught", () => {
  const root = join(home, "guarded");
  nodeFs.mkdirSync(root);
  plant(nodeFs, root, standardSeed);
  const before = fingerprintOf(nodeFs, root);
  expect(changesBetween(before, fingerprintOf(nodeFs, root))).toEqual([]);
  const { atime, mtime } = nodeFs.statSync(join(root, "a.txt"));
  nodeFs.appendFileSync(join(root, "a.txt"), "x");
  nodeFs.truncateSync(join(root, "a.txt"), 6);
  nodeFs.utimesSync(join(root, "a.txt"), atime, mtime);
  expect(changesBetween(before, fingerprintOf(nodeFs, root))).toHaveLength(1);
});
