import { chmodSync, lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { planUndo } from "../../src/recovery/recovery-plan.ts";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

/** A tree with one of everything. */
function plant(): void {
  const at = (path: string): string => join(fixture.root, path);
  mkdirSync(at("directory/inner"), { recursive: true });
  mkdirSync(at("empty"));
  for (const path of ["plain.txt", "other.txt", "directory/one", "directory/inner/two"]) {
    writeFileSync(at(path), `content of ${path}\n`);
    utimesSync(at(path), 1_600_000_000.123456, 1_600_000_000.123456);
  }
  writeFileSync(at("script.sh"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(at("binary"), Buffer.from([0, 255, 13, 10, 0]));
  symlinkSync("directory/one", at("link"));
}

test("undo puts everything back, contents, modes and times; redo brings the change back", async () => {
  plant();
  const before = fixture.snapshot();
  await fixture
    .commit((fs, at) => {
      fs.writeFileSync(at("plain.txt"), "changed");
      fs.writeFileSync(at("new/deep/file"), "", { flag: "w" });
    })
    .catch(() => undefined);
  await fixture.commit((fs, at) => {
    fs.writeFileSync(at("plain.txt"), "changed");
    fs.mkdirSync(at("new/deep"), { recursive: true });
    fs.writeFileSync(at("new/deep/file"), "fresh");
    fs.rmSync(at("directory/inner"), { recursive: true });
    fs.renameSync(at("other.txt"), at("new/moved.txt"));
    fs.renameSync(at("directory"), at("renamed"));
    fs.chmodSync(at("script.sh"), 0o700);
    fs.rmdirSync(at("empty"));
    fs.unlinkSync(at("link"));
    fs.symlinkSync("elsewhere", at("link"));
    fs.unlinkSync(at("binary"));
    fs.mkdirSync(at("binary"));
    fs.writeFileSync(at("binary/inside"), "a file became a directory");
  });
  const after = fixture.snapshot();
  await undo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(before);
  await redo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(after);
  await undo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(before);
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
});

test("undo of several operations is one operation, and one redo brings all of them back", async () => {
  fixture.edit("a", "0");
  const start = fixture.snapshot();
  await fixture.write({ a: "1", b: "1" });
  await fixture.commit((fs, at) => fs.renameSync(at("b"), at("c")));
  await fixture.write({ a: "2", c: undefined, d: "1" });
  const end = fixture.snapshot();
  const receipt = await undo(fixture.store, { count: 3, durability: "none" });
  expect(fixture.snapshot()).toEqual(start);
  expect(receipt.sequence).toBe(4);
  await redo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(end);
});

test("undo goes back step by step, redo forward, and a commit leaves nothing to redo", async () => {
  await fixture.write({ a: "1" });
  await fixture.write({ a: "2" });
  await fixture.write({ a: "3" });
  const { store } = fixture;
  await undo(store, { durability: "none" });
  expect(fixture.read("a")).toBe("2");
  await undo(store, { durability: "none" });
  expect(fixture.read("a")).toBe("1");
  await redo(store, { durability: "none" });
  expect(fixture.read("a")).toBe("2");
  await redo(store, { durability: "none" });
  expect(fixture.read("a")).toBe("3");
  await expect(redo(store)).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
  await undo(store, { durability: "none" });
  await fixture.write({ a: "4" });
  await expect(redo(store)).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
  await undo(store, { count: 3, durability: "none" });
  expect(Object.keys(fixture.snapshot())).toEqual([]);
  await expect(undo(store)).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
});

test("an undo can itself be undone by name", async () => {
  await fixture.write({ a: "1" });
  await fixture.write({ a: "2" });
  const receipt = await undo(fixture.store, { durability: "none" });
  await undo(fixture.store, { checkpoint: String(receipt.sequence), durability: "none" });
  expect(fixture.read("a")).toBe("2");
  await expect(undo(fixture.store, { checkpoint: String(receipt.sequence) })).rejects.toMatchObject(
    { code: "DRAFT_CHECKPOINT_MISSING" },
  );
});

test("an older operation is undone alone when nothing later touched its paths", async () => {
  const first = await fixture.write({ a: "1", b: "1" });
  await fixture.write({ c: "1" });
  await undo(fixture.store, { checkpoint: first.operation, durability: "none" });
  expect(Object.keys(fixture.snapshot())).toEqual(["c"]);
  await redo(fixture.store, { durability: "none" });
  const second = await fixture.write({ a: "2" });
  await expect(
    undo(fixture.store, { checkpoint: first.operation.slice(0, 10) }),
  ).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
  expect(fixture.read("a")).toBe("2");
  await undo(fixture.store, { checkpoint: `#${second.sequence}`, durability: "none" });
  expect(fixture.read("a")).toBe("1");
});

test("undo stops and touches nothing where the tree has moved on, and says where", async () => {
  await fixture.write({ a: "1", b: "1", "dir/c": "1" });
  await fixture.write({ a: "2", b: "2", "dir/c": undefined, d: "2" });
  fixture.edit("a", "edited by hand");
  fixture.edit("dir/c", "appeared");
  const before = fixture.snapshot();
  const attempt = undo(fixture.store);
  await expect(attempt).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
  await attempt.catch((error) => {
    expect(error.details.conflicts.map((each: { path: string }) => each.path)).toEqual([
      "a",
      "dir/c",
    ]);
  });
  expect(fixture.snapshot()).toEqual(before);
  // By force: what was there is kept by the new checkpoint.
  await undo(fixture.store, { force: true, durability: "none" });
  expect(fixture.read("a")).toBe("1");
  await redo(fixture.store, { durability: "none" });
  expect(fixture.read("a")).toBe("edited by hand");
  expect(fixture.read("dir/c")).toBe("appeared");
});

// isomorphic-git/isomorphic-git#608.
test("an edit that keeps the size is found too, by a preview and by the undo itself", async () => {
  await fixture.write({ a: "1", b: "1" });
  await fixture.write({ a: "2", b: "2" });
  fixture.edit("b", "9");
  expect(() => planUndo(fixture.store)).toThrow(
    expect.objectContaining({ code: "DRAFT_CONFLICT", path: "b" }),
  );
  await expect(undo(fixture.store)).rejects.toMatchObject({ code: "DRAFT_CONFLICT", path: "b" });
  expect([fixture.read("a"), fixture.read("b")]).toEqual(["2", "9"]);
});

test("undo leaves files that were never recorded alone", async () => {
  fixture.edit("untracked", "mine");
  fixture.edit("dir/untracked", "mine too");
  await fixture.write({ "dir/tracked": "1" });
  const inode = lstatSync(join(fixture.root, "untracked")).ino;
  await undo(fixture.store, { durability: "none" });
  expect(fixture.read("dir/untracked")).toBe("mine too");
  expect(lstatSync(join(fixture.root, "untracked")).ino).toBe(inode);
});

test("directories that an operation made stay when something else lies in them now", async () => {
  await fixture.write({ "made/file": "1", "made/deep/file": "1", "gone/file": "1" });
  fixture.edit("made/deep/mine", "kept");
  const left = fixture.snapshot();
  const plan = planUndo(fixture.store);
  expect(plan.deletions).toEqual(["gone", "gone/file", "made/deep/file", "made/file"]);
  expect([...plan.kept].sort()).toEqual(["made", "made/deep"]);
  await undo(fixture.store, { durability: "none" });
  expect(Object.keys(fixture.snapshot())).toEqual(["made/", "made/deep/", "made/deep/mine"]);
  await redo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(left);
  await undo(fixture.store, { durability: "none", force: true });
  expect(Object.keys(fixture.snapshot())).toEqual(["made/", "made/deep/", "made/deep/mine"]);
});

test("a directory that is kept is found and emptied by an undo of several operations", async () => {
  await fixture.write({ "made/file": "1" });
  await fixture.write({ "made/more": "2", other: "2" });
  fixture.edit("made/mine", "kept");
  const plan = planUndo(fixture.store, { count: 2 });
  expect([plan.deletions, plan.kept]).toEqual([["made/file", "made/more", "other"], ["made"]]);
  await undo(fixture.store, { count: 2, durability: "none" });
  expect(Object.keys(fixture.snapshot())).toEqual(["made/", "made/mine"]);
});

test.each([{}, { force: true }])(
  "a file never comes back in the place of such a directory",
  async (how) => {
    await fixture.write({ place: "a file" });
    await fixture.write({ place: undefined, "place/file": "2" });
    fixture.edit("place/mine", "kept");
    const before = fixture.snapshot();
    await expect(undo(fixture.store, how)).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
      path: "place",
      message: expect.stringContaining('"place" is a directory that holds what no operation has'),
    });
    expect(fixture.snapshot()).toEqual(before);
  },
);

test("a preview lists what would be deleted, and changes nothing", async () => {
  fixture.edit("old", "0");
  await fixture.write({ old: "1", "made/one": "1", "made/two": "2" });
  const before = fixture.snapshot();
  const plan = planUndo(fixture.store);
  expect(plan.deletions).toEqual(["made", "made/one", "made/two"]);
  expect(plan.changeSet.changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    "delete made",
    "delete made/one",
    "delete made/two",
    "modify old",
  ]);
  expect(fixture.snapshot()).toEqual(before);
});

test("files that are as they should be already keep their time and inode", async () => {
  await fixture.write({ a: "1", b: "1" });
  await fixture.write({ a: "2", b: "2" });
  await fixture.write({ a: "1", c: "3" });
  const stamp = lstatSync(join(fixture.root, "a"));
  await undo(fixture.store, { count: 2, durability: "none" });
  const now = lstatSync(join(fixture.root, "a"));
  expect([now.ino, now.mtimeMs]).toEqual([stamp.ino, stamp.mtimeMs]);
});

// mem9-ai/drive9#507.
test("read-only files and directories go back too", async () => {
  fixture.edit("locked/file", "0");
  chmodSync(join(fixture.root, "locked/file"), 0o444);
  const before = fixture.snapshot();
  await fixture.commit((fs, at) => {
    fs.chmodSync(at("locked/file"), 0o644);
    fs.writeFileSync(at("locked/file"), "1");
    fs.chmodSync(at("locked"), 0o555);
  });
  await undo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(before);
});

test("a directory moved away and made anew is not taken for the old one", async () => {
  for (const path of ["p/k/same", "p/k/other"]) fixture.edit(path, "old");
  const before = fixture.snapshot();
  await fixture.commit((fs, at) => {
    fs.renameSync(at("p"), at("q"));
    fs.mkdirSync(at("p/k"), { recursive: true });
    fs.writeFileSync(at("p/k/same"), "new");
  });
  expect(fixture.read("q/k/same")).toBe("old");
  expect(Object.keys(fixture.snapshot())).toEqual([
    "p/",
    "p/k/",
    "p/k/same",
    "q/",
    "q/k/",
    "q/k/other",
    "q/k/same",
  ]);
  await undo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(before);
});

test("a directory removed, made anew and moved takes nothing of the old one along", async () => {
  fixture.edit("a/a/x", "old");
  const before = fixture.snapshot();
  await fixture.commit((fs, at) => {
    fs.rmSync(at("a"), { recursive: true });
    fs.mkdirSync(at("a/a"), { recursive: true });
    fs.renameSync(at("a"), at("b"));
  });
  expect(Object.keys(fixture.snapshot())).toEqual(["b/", "b/a/"]);
  await undo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(before);
});

test("a directory is thinned out, moved away and made anew in one operation", async () => {
  for (const path of ["b/x", "b/y", "b/deep/z"]) fixture.edit(path, "old");
  const before = fixture.snapshot();
  await fixture.commit((fs, at) => {
    fs.unlinkSync(at("b/x"));
    fs.renameSync(at("b/deep/z"), at("z"));
    fs.renameSync(at("b"), at("a"));
    fs.mkdirSync(at("b"));
  });
  expect(Object.keys(fixture.snapshot())).toEqual(["a/", "a/deep/", "a/y", "b/", "z"]);
  await undo(fixture.store, { durability: "none" });
  expect(fixture.snapshot()).toEqual(before);
});

test.each([
  ["a file", "old", "a", "fresh"],
  ["a file over another one", "old", "taken", "fresh"],
  ["a file in a directory that moves too", "directory/inner", "moved/name", "moved/inner"],
  ["a directory", "directory", "moved", "directory/fresh"],
])(
  "undo of a move, of %s, does not take what lies at the old place by now",
  async (_what, from, to, fresh) => {
    fixture.edit("old", "old\n");
    fixture.edit("taken", "taken\n");
    fixture.edit("directory/inner", "inner\n");
    await fixture.commit((fs, at) => {
      if (to === "moved/name") fs.renameSync(at("directory"), at("moved"));
      fs.renameSync(at(to === "moved/name" ? "moved/inner" : from), at(to));
    });
    const place = fresh === "fresh" ? from : fresh;
    fixture.edit(place, "somebody's\n");
    const before = fixture.snapshot();
    const taken = fresh === "directory/fresh" ? "directory" : place;
    const refused = {
      code: "DRAFT_CONFLICT",
      details: { conflicts: [{ path: taken, reason: "appeared", base: null }] },
    };
    expect(() => planUndo(fixture.store, {})).toThrow(expect.objectContaining(refused));
    await expect(undo(fixture.store)).rejects.toMatchObject(refused);
    expect(fixture.snapshot()).toEqual(before);
    if (taken === "directory") {
      await expect(undo(fixture.store, { force: true })).rejects.toMatchObject({
        code: "DRAFT_CONFLICT",
        details: { conflicts: [{ path: "directory", reason: "occupied" }] },
      });
      return;
    }
    await undo(fixture.store, { force: true, durability: "none" });
    expect(fixture.read(from)).toBe(`${from.replace(/.*\//, "")}\n`);
    await redo(fixture.store, { durability: "none" });
    expect(fixture.snapshot()).toEqual(before);
  },
);

test("restore and redo do not take it either", async () => {
  await fixture.write({ old: "old\n" });
  await fixture.commit((fs, at) => fs.renameSync(at("old"), at("new")));
  fixture.edit("old", "somebody's\n");
  const refused = { code: "DRAFT_CONFLICT", path: "old" };
  await expect(restore(fixture.store, { checkpoint: "@1" })).rejects.toMatchObject(refused);
  fixture.edit("old", "old\n");
  await fixture.write({ old: undefined });
  await undo(fixture.store, { count: 2, force: true, durability: "none" });
  fixture.edit("new", "somebody's\n");
  await expect(redo(fixture.store)).rejects.toMatchObject({ code: "DRAFT_CONFLICT", path: "new" });
  expect(fixture.read("new")).toBe("somebody's\n");
});
