import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

test("a directory that became a link to one with the same names is put back, and redone", async () => {
  fixture.edit("old/a", "old a");
  fixture.edit("old/gone", "gone");
  const before = fixture.snapshot();
  await fixture.commit((fs, at) => {
    fs.rmSync(at("old"), { recursive: true });
    fs.mkdirSync(at("new"));
    fs.writeFileSync(at("new/a"), "new a");
    fs.symlinkSync("new", at("old"));
  });
  const after = fixture.snapshot();
  await undo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(before);
  await redo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(after);
});

test("what a link leads to is not the file that an operation left in a directory there", async () => {
  fixture.edit("directory/stays", "");
  fixture.edit("elsewhere/file", "same");
  await fixture.write({ "directory/file": "same" });
  rmSync(join(fixture.root, "directory"), { recursive: true });
  symlinkSync("elsewhere", join(fixture.root, "directory"));
  const before = fixture.snapshot();
  await expect(undo(fixture.store)).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    details: { conflicts: [{ path: "directory/file", reason: "vanished" }] },
  });
  await undo(fixture.store, { force: true, durability: "none" });
  expect(fixture.snapshot()).toEqual(before);
});

test("directories that have gone since are made anew for what comes back into them", async () => {
  fixture.edit("a/b/changed", "old");
  fixture.edit("a/b/removed", "old");
  await fixture.write({ "a/b/removed": undefined });
  rmSync(join(fixture.root, "a"), { recursive: true });
  await undo(fixture.store, { durability: "none" });
  expect(fixture.read("a/b/removed")).toBe("old");
  await redo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual({});

  fixture.edit("a/b/changed", "old");
  await fixture.write({ "a/b/changed": "new" });
  rmSync(join(fixture.root, "a"), { recursive: true });
  await undo(fixture.store, { force: true, durability: "none" });
  expect(fixture.read("a/b/changed")).toBe("old");
});

test.each(["link", "file"])("what lies in the place of a directory, a %s, stays", async (kind) => {
  const directory = join(fixture.root, "directory");
  fixture.edit("directory/file", "old");
  fixture.edit("elsewhere/file", "other");
  await fixture.write({ "directory/file": "new" });
  rmSync(directory, { recursive: true });
  if (kind === "link") symlinkSync("elsewhere", directory);
  else writeFileSync(directory, "mine");
  const before = fixture.snapshot();
  await expect(undo(fixture.store, { force: true })).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    details: { conflicts: [{ path: "directory", reason: "retyped" }] },
  });
  expect(fixture.snapshot()).toEqual(before);
});

test("restore makes them too", async () => {
  await fixture.write({ "a/b/file": "old" });
  await fixture.write({ "a/b/file": "new" });
  rmSync(join(fixture.root, "a"), { recursive: true });
  await restore(fixture.store, { checkpoint: "1", force: true, durability: "none" });
  expect(fixture.read("a/b/file")).toBe("old");
});
