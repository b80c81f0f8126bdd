import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { planRestore } from "../../src/recovery/recovery-plan.ts";
import { restore, undo } from "../../src/recovery/take-back.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

const hasty = { durability: "none" } as const;

test("restore leads to any checkpoint and back to the latest, each as a new one", async () => {
  const trees: Record<string, string>[] = [];
  for (const text of ["1", "2", "3", "4"]) {
    await fixture.write({ a: text, [`only-in/${text}`]: text });
    trees.push(fixture.snapshot());
  }
  for (const [index, tree] of trees.entries()) {
    if (index === 3) continue;
    await restore(fixture.store, { checkpoint: String(index + 1), ...hasty });
    expect(fixture.snapshot()).toEqual(tree);
  }
  await restore(fixture.store, { checkpoint: "#4", ...hasty });
  expect(fixture.snapshot()).toEqual(trees[3]);
  await undo(fixture.store, hasty);
  expect(fixture.snapshot()).toEqual(trees[2]);
});

test("restore of some paths leaves all others as they are", async () => {
  const first = await fixture.write({ a: "1", "dir/b": "1", "dir/c": "1" });
  await fixture.write({ a: "2", "dir/b": "2", "dir/c": undefined, "dir/d": "2" });
  const request = { checkpoint: first.operation, paths: ["dir"], ...hasty };
  expect(planRestore(fixture.store, request).deletions).toEqual(["dir/d"]);
  await restore(fixture.store, request);
  expect(fixture.read("a")).toBe("2");
  expect([fixture.read("dir/b"), fixture.read("dir/c")]).toEqual(["1", "1"]);
  expect(Object.keys(fixture.snapshot())).toEqual(["a", "dir/", "dir/b", "dir/c"]);
  await expect(
    restore(fixture.store, { checkpoint: "1", paths: ["a", "never/recorded"] }),
  ).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING", path: "never/recorded" });
  await expect(restore(fixture.store, { checkpoint: "1", paths: ["dir/*"] })).rejects.toThrow(
    /not as patterns: name a directory/,
  );
  expect(fixture.read("a")).toBe("2");
});

test("restoring one file makes the directories that it needs", async () => {
  await fixture.write({ "deep/down/file": "1", "deep/other": "1" });
  await fixture.write({ deep: undefined });
  await restore(fixture.store, { checkpoint: "1", paths: ["deep/down/file"], ...hasty });
  expect(Object.keys(fixture.snapshot())).toEqual(["deep/", "deep/down/", "deep/down/file"]);
});

test("restore deletes nothing that was never recorded, untracked files least of all", async () => {
  await fixture.write({ a: "1" });
  await fixture.write({ a: "2", b: "2" });
  for (const path of ["untracked", "ignored/by/git", "node_modules/x/index.js"]) {
    fixture.edit(path, "mine");
  }
  const inodes = () =>
    ["untracked", "ignored/by/git"].map((path) => lstatSync(join(fixture.root, path)).ino);
  const before = inodes();
  await restore(fixture.store, { checkpoint: "1", ...hasty });
  expect(Object.keys(fixture.snapshot()).filter((path) => !path.endsWith("/"))).toEqual([
    "a",
    "ignored/by/git",
    "node_modules/x/index.js",
    "untracked",
  ]);
  expect(inodes()).toEqual(before);
});

test("edits between operations are on record, so restore goes past them and undo brings them back", async () => {
  await fixture.write({ a: "1", gone: "1", "dir/b": "1" });
  await fixture.write({ gone: undefined });
  fixture.edit("a", "by hand");
  fixture.edit("gone", "by hand");
  fixture.edit("new", "by hand");
  await fixture.write({ a: "2", gone: "2", new: "2" });
  await restore(fixture.store, { checkpoint: "2", ...hasty });
  // What the checkpoint knew is as it was then; what it did not know, as it was found later.
  expect(fixture.read("a")).toBe("1");
  expect(fixture.read("new")).toBe("by hand");
  expect(Object.keys(fixture.snapshot())).toEqual(["a", "dir/", "dir/b", "new"]);
  await undo(fixture.store, hasty);
  expect([fixture.read("a"), fixture.read("gone")]).toEqual(["2", "2"]);
});

test("an edit since the last operation stops restore, by name, with nothing touched", async () => {
  await fixture.write({ a: "1", b: "1" });
  await fixture.write({ a: "2", b: "2" });
  fixture.edit("b", "by hand");
  await expect(restore(fixture.store, { checkpoint: "1" })).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    path: "b",
  });
  expect([fixture.read("a"), fixture.read("b")]).toEqual(["2", "by hand"]);
  await restore(fixture.store, { checkpoint: "1", force: true, ...hasty });
  expect([fixture.read("a"), fixture.read("b")]).toEqual(["1", "1"]);
  await undo(fixture.store, hasty);
  expect(fixture.read("b")).toBe("by hand");
});

test("restore of what is already so says so, and makes no checkpoint", async () => {
  const { operation } = await fixture.write({ a: "1" });
  await expect(restore(fixture.store, { checkpoint: "latest" })).rejects.toMatchObject({
    code: "DRAFT_NOTHING_PENDING",
  });
  expect(fixture.git("rev-parse", "refs/draftfs/operations").trim()).toBe(operation);
});

test("a checkpoint that does not exist, or is named by too little, is refused", async () => {
  const { operation } = await fixture.write({ a: "1" });
  for (const checkpoint of ["7", "abcdef", "", operation.slice(0, 5), "HEAD", "../x"]) {
    await expect(restore(fixture.store, { checkpoint })).rejects.toMatchObject({
      code: "DRAFT_CHECKPOINT_MISSING",
    });
  }
});

test("links are put back as links and never followed", async () => {
  mkdirSync(join(fixture.root, "real"));
  writeFileSync(join(fixture.root, "real/file"), "outside of the operation");
  symlinkSync("real", join(fixture.root, "link"));
  await fixture.commit((fs, at) => {
    fs.unlinkSync(at("link"));
    fs.mkdirSync(at("link"));
    fs.writeFileSync(at("link/file"), "in a directory of its own");
  });
  await undo(fixture.store, hasty);
  expect(lstatSync(join(fixture.root, "link")).isSymbolicLink()).toBe(true);
  expect(fixture.read("real/file")).toBe("outside of the operation");
});

test("restore of a rename does not bring back what was moved away", async () => {
  await fixture.write({ a: "1" });
  await fixture.commit((fs, at) => fs.renameSync(at("a"), at("b")));
  await undo(fixture.store, hasty);
  await restore(fixture.store, { checkpoint: "2", ...hasty });
  expect(Object.keys(fixture.snapshot())).toEqual(["b"]);
});
