import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isSameIndex } from "../../src/objects/git-index.ts";
import { runGit } from "./store-fixture.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "draftfs-index-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function git(...args: readonly string[]): string {
  return runGit(["-C", directory, ...args]).toString("utf8");
}

function write(path: string, text: string): void {
  writeFileSync(join(directory, path), text);
}

function readIndex(): Buffer {
  return readFileSync(join(directory, ".git/index"));
}

/** A repository with three files in its index. */
function plant(...init: readonly string[]): void {
  git("init", "-q", ...init);
  mkdirSync(join(directory, long), { recursive: true });
  for (const path of ["a", "a-longer-name", `${long}/b`]) write(path, path);
  git("add", ".");
}

const long = "long/".repeat(50);

/** What somebody does who only looks, long enough after the index was written. */
function look(): void {
  utimesSync(join(directory, "a"), 1_600_000_000, 1_600_000_000);
  git("status");
}

describe.each([
  ["version 2", ["index.version", "2"], []],
  ["version 4", ["index.version", "4"], []],
  ["SHA-256", ["index.version", "2"], ["--object-format=sha256"]],
  ["untracked files", ["core.untrackedCache", "true"], []],
] as const)("an index of git (%s)", (_, [key, value], init) => {
  beforeEach(() => {
    plant(...init);
    git("config", key, value);
    git("update-index", "--force-write-index");
  });

  test("says the same after git status, and with the trees of a commit noted in it", () => {
    const before = readIndex();
    look();
    const looked = readIndex();
    expect(looked.equals(before)).toBe(false);
    expect(isSameIndex(before, looked)).toBe(true);
    git("write-tree");
    expect(readIndex().includes("TREE")).toBe(true);
    expect(isSameIndex(before, readIndex())).toBe(true);
  });

  test("says something else with any change of what it is about", () => {
    const before = readIndex();
    write("new", "new");
    write("a", "changed");
    for (const change of [
      ["update-index", "--add", "new"],
      ["update-index", "a"],
      ["update-index", "--chmod=+x", "a"],
      ["rm", "-qf", "--cached", "a"],
      ["add", "-N", "new"],
      ["update-index", "--skip-worktree", "a"],
      ["update-index", "--assume-unchanged", "a"],
    ]) {
      writeFileSync(join(directory, ".git/index"), before);
      git(...change);
      expect(isSameIndex(before, readIndex()), change.join(" ")).toBe(false);
      expect(isSameIndex(readIndex(), readIndex()), change.join(" ")).toBe(true);
    }
  });
});

test("the same entries in other versions say the same", () => {
  plant();
  git("update-index", "--index-version", "2");
  const second = readIndex();
  git("update-index", "--index-version", "4");
  expect(readIndex().length).toBeLessThan(second.length);
  expect(isSameIndex(second, readIndex())).toBe(true);
});

test("the stages of a merge are part of what it says", () => {
  plant();
  const oid = git("rev-parse", ":a").trim();
  const info = ["1", "2", "3"].map((stage) => `100644 ${oid} ${stage}\ta\n`);
  const withStages = (...lines: readonly (string | undefined)[]): Buffer => {
    git("rm", "-qf", "--cached", "a");
    runGit(["-C", directory, "update-index", "--index-info"], Buffer.from(lines.join("")));
    return readIndex();
  };
  const all = withStages(...info);
  const two = withStages(info[0], info[1]);
  const others = withStages(info[1], info[2]);
  expect([isSameIndex(all, two), isSameIndex(two, others), isSameIndex(all, all)]).toEqual([
    false,
    false,
    true,
  ]);
});

test("what is no whole index says the same as nothing, not even as itself", () => {
  plant();
  const index = readIndex();
  for (let length = 0; length < index.length; length++) {
    const part = index.subarray(0, length);
    expect(isSameIndex(part, part), `${length} bytes`).toBe(false);
  }
  for (let at = 0; at < index.length; at++) {
    const damaged = Buffer.from(index);
    damaged.writeUInt8((damaged.readUInt8(at) + 1) % 256, at);
    expect(isSameIndex(damaged, damaged), `byte ${at}`).toBe(false);
  }
  git("update-index", "--split-index");
  expect(isSameIndex(readIndex(), readIndex())).toBe(false);
});
