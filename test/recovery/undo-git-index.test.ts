import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findDrift } from "../../src/recovery/find-drift.ts";
import { planUndo } from "../../src/recovery/recovery-plan.ts";
import { redo, undo } from "../../src/recovery/take-back.ts";
import { runGit } from "../objects/store-fixture.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

/** Commits that git has staged a file, and lets git look at the tree then, which writes the index. */
async function stageAndLook(): Promise<{ before: Buffer; restore: () => Buffer }> {
  const index = join(fixture.root, ".git/index");
  const git = (...args: readonly string[]): Buffer => runGit(["-C", fixture.root, ...args]);
  git("init", "-q");
  fixture.edit("a", "old");
  git("add", "a");
  const before = readFileSync(index);
  utimesSync(join(fixture.root, "a"), 1_600_000_000, 1_600_000_000);
  const oid = runGit(["-C", fixture.root, "hash-object", "-w", "--stdin"], Buffer.from("b"));
  git("update-index", "--add", "--cacheinfo", `100644,${oid.toString().trim()},b`);
  const staged = readFileSync(index);
  writeFileSync(index, before);
  await fixture.commit((fs, at) => {
    fs.writeFileSync(at("b"), "b");
    fs.writeFileSync(at(".git/index"), staged);
  });
  git("status");
  expect(readFileSync(index).equals(staged)).toBe(false);
  return { before, restore: () => readFileSync(index) };
}

test("an index that git status has written anew is as it was left", async () => {
  const { before, restore } = await stageAndLook();
  expect(await findDrift(fixture.store)).toEqual([]);
  expect(planUndo(fixture.store).changeSet.changes.map(({ path }) => path)).toContain(".git/index");
  await undo(fixture.store, { durability: "none" });
  expect(restore().equals(before)).toBe(true);
  runGit(["-C", fixture.root, "status"]);
  await redo(fixture.store, { durability: "none" });
  expect(runGit(["-C", fixture.root, "ls-files"]).toString()).toBe("a\nb\n");
  runGit(["-C", fixture.root, "status"]);
  await fixture.write({ c: "1" });
  await undo(fixture.store, { count: 2, durability: "none" });
  expect(runGit(["-C", fixture.root, "ls-files"]).toString()).toBe("a\n");
});

test("an index that git status has written anew between two operations does not part them", async () => {
  const { before, restore } = await stageAndLook();
  const looked = restore();
  runGit(["-C", fixture.root, "rm", "-q", "--cached", "b"]);
  const removed = restore();
  writeFileSync(join(fixture.root, ".git/index"), looked);
  await fixture.commit((fs, at) => fs.writeFileSync(at(".git/index"), removed));
  runGit(["-C", fixture.root, "status"]);
  await undo(fixture.store, { count: 2, durability: "none" });
  expect(restore().equals(before)).toBe(true);
  runGit(["-C", fixture.root, "status"]);
  await redo(fixture.store, { durability: "none" });
  expect(runGit(["-C", fixture.root, "ls-files"]).toString()).toBe("a\n");
});

test("an index in which something was staged between two operations does", async () => {
  await stageAndLook();
  fixture.edit("c", "staged by hand");
  runGit(["-C", fixture.root, "add", "c"]);
  const index = join(fixture.root, ".git/index");
  const staged = readFileSync(index);
  runGit(["-C", fixture.root, "rm", "-q", "--cached", "b"]);
  const removed = readFileSync(index);
  writeFileSync(index, staged);
  await fixture.commit((fs, at) => fs.writeFileSync(at(".git/index"), removed));
  await expect(undo(fixture.store, { count: 2 })).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    path: ".git/index",
  });
  expect(readFileSync(index).equals(removed)).toBe(true);
});

test("an index in which something was staged since is not", async () => {
  await stageAndLook();
  fixture.edit("c", "staged by hand");
  runGit(["-C", fixture.root, "add", "c"]);
  const conflict = { code: "DRAFT_CONFLICT", path: ".git/index" };
  expect(await findDrift(fixture.store)).toEqual([{ path: ".git/index", reason: "changed" }]);
  expect(() => planUndo(fixture.store)).toThrow(expect.objectContaining(conflict));
  await expect(undo(fixture.store)).rejects.toMatchObject(conflict);
  expect(runGit(["-C", fixture.root, "ls-files"]).toString()).toBe("a\nb\nc\n");
});
