import fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Overlay, openOverlay } from "../../src/index.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { removeTree } from "../support/remove-tree.ts";

/** What every directory has at first, and what directories are given. */
const [old, given] = [1_000_000_000, 1_100_000_000];

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(join(memoryDirectory(), "draftfs-times-"));
  fs.mkdirSync(join(root, "d/s"), { recursive: true });
  for (const path of ["d/f", "d/s/g"]) fs.writeFileSync(join(root, path), "old");
  // Of which the first commit moves the times of the root.
  fs.mkdirSync(join(root, ".draftfs"), { mode: 0o700 });
  for (const path of ["d/s", "d", ""]) fs.utimesSync(join(root, path), old, old);
});
afterEach(() => removeTree(root));

/** When directories were changed, where that was set on purpose; `now` otherwise. */
function timesIn(fileSystem: Pick<typeof fs, "lstatSync">): Record<string, number | "now"> {
  const times: Record<string, number | "now"> = {};
  for (const path of [".", "d", "d/s", "e", "e/s", "n", "n/m"]) {
    const stats = fileSystem.lstatSync(join(root, path), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    times[path] = stats.mtimeMs < 1_200_000_000_000 ? stats.mtimeMs / 1000 : "now";
  }
  return times;
}

type Act = (overlay: Overlay["fs"]) => void;

/** What is done, and what the directories that it concerns show afterwards. */
const cases: readonly (readonly [name: string, act: Act, shown: Record<string, number | "now">])[] =
  [
    [
      "set after a file in it was replaced",
      (overlay) => {
        overlay.writeFileSync("d/f", "new");
        overlay.utimesSync("d", given, given);
      },
      { d: given },
    ],
    [
      "set before a file in it was written",
      (overlay) => {
        overlay.utimesSync("d", given, given);
        overlay.writeFileSync("d/f", "new");
      },
      { d: given },
    ],
    [
      "set to what they were, where names came and went",
      (overlay) => {
        overlay.unlinkSync("d/f");
        overlay.writeFileSync("d/new", "new");
        overlay.utimesSync("d", old, old);
      },
      { d: old },
    ],
    [
      "set to what they were, where a file was written",
      (overlay) => {
        overlay.writeFileSync("d/f", "new");
        overlay.utimesSync("d", old, old);
      },
      { d: old },
    ],
    [
      "of directories that a file moved from and to",
      (overlay) => {
        overlay.renameSync("d/f", "d/s/f");
        overlay.utimesSync("d", given, given);
        overlay.utimesSync("d/s", old, old);
      },
      { d: given, "d/s": old },
    ],
    [
      "of a directory that moved",
      (overlay) => {
        overlay.renameSync("d", "e");
        overlay.writeFileSync("e/f", "new");
        overlay.unlinkSync("e/s/g");
        overlay.utimesSync("e", old, old);
        overlay.utimesSync("e/s", given, given);
        overlay.utimesSync(".", given, given);
      },
      { e: old, "e/s": given, ".": given },
    ],
    [
      "of new directories",
      (overlay) => {
        overlay.mkdirSync("n/m", { recursive: true });
        overlay.writeFileSync("n/m/f", "new");
        overlay.utimesSync("n/m", given, given);
        overlay.utimesSync("n", old, old);
      },
      { n: old, "n/m": given },
    ],
    [
      "of the root",
      (overlay) => {
        overlay.writeFileSync("new", "new");
        overlay.utimesSync(".", given, given);
      },
      { ".": given },
    ],
  ];

test.each(cases)(
  "times %s are those on the disk, and undo brings back the old ones",
  async (_, act, shown) => {
    await using overlay = await openOverlay(root);
    act(overlay.fs);
    expect(timesIn(overlay.fs as never)).toMatchObject(shown);
    await overlay.commit();
    expect(timesIn(fs)).toMatchObject(shown);
    expect(timesIn(overlay.fs as never)).toMatchObject(shown);
    expect((await overlay.diff()).changes).toEqual([]);
    await overlay.undo();
    const paths = Object.keys(shown).filter((path) => fs.existsSync(join(root, path)));
    expect(timesIn(fs)).toMatchObject(Object.fromEntries(paths.map((path) => [path, old])));
    await overlay.redo();
    expect(timesIn(fs)).toMatchObject(shown);
  },
);

test("a plan that another process applies sets them as well", async () => {
  const plan = join(root, "plan.json");
  {
    await using overlay = await openOverlay(root);
    overlay.fs.writeFileSync("d/f", "new");
    overlay.fs.utimesSync("d", old, old);
    overlay.fs.unlinkSync("d/s/g");
    overlay.fs.utimesSync("d/s", given, given);
    overlay.fs.chmodSync(".", 0o750);
    fs.writeFileSync(plan, JSON.stringify(await overlay.plan()));
  }
  await using overlay = await openOverlay(root);
  await overlay.applyPlan(JSON.parse(fs.readFileSync(plan, "utf8")));
  expect(timesIn(fs)).toMatchObject({ d: old, "d/s": given });
  expect(fs.statSync(root).mode & 0o777).toBe(0o750);
});

test("times that nobody set move with the names, and times to which nothing is changed are none", async () => {
  await using overlay = await openOverlay(root);
  overlay.fs.utimesSync("d", given, given);
  overlay.fs.writeFileSync("d/new", "new");
  overlay.fs.utimesSync("d/s", old, old);
  const { changes } = await overlay.diff();
  expect(changes.map(({ path }) => path)).toEqual(["d/new"]);
  await overlay.commit();
  expect(timesIn(fs)).toMatchObject({ d: "now", "d/s": old });
});

test("times that were set are not those that others give the directory", async () => {
  await using overlay = await openOverlay(root);
  overlay.fs.utimesSync("d", old, old);
  fs.writeFileSync(join(root, "d/theirs"), "");
  expect(timesIn(overlay.fs as never)).toMatchObject({ d: old });
});

test("mode and times of the root are committed, alone and with a selection, and kept in a draft", async () => {
  {
    await using overlay = await openOverlay(root, { draft: "root" });
    overlay.fs.chmodSync(".", 0o711);
    overlay.fs.writeFileSync("d/f", "new");
    await overlay.saveDraft();
  }
  await using overlay = await openOverlay(root, { draft: "root" });
  const { changes } = await overlay.diff();
  expect(changes.map(({ kind, path }) => [kind, path])).toEqual([
    ["modify", ""],
    ["modify", "d/f"],
  ]);
  await overlay.commit({ include: ["d/**"] });
  expect(fs.statSync(root).mode & 0o777).toBe(0o700);
  await overlay.commit();
  expect(fs.statSync(root).mode & 0o777).toBe(0o711);
  await overlay.undo();
  expect(fs.statSync(root).mode & 0o777).toBe(0o700);
});

test("a savepoint takes back what was done to the root", async () => {
  await using overlay = await openOverlay(root);
  const savepoint = overlay.savepoint();
  overlay.fs.chmodSync(".", 0o711);
  overlay.fs.utimesSync(".", given, given);
  expect((await overlay.diff()).changes).toHaveLength(1);
  overlay.rollback(savepoint);
  expect((await overlay.diff()).changes).toEqual([]);
});

test("the root is what the disk has, until the overlay changes it", async () => {
  await using overlay = await openOverlay(root);
  const shown = (): number => Number(overlay.fs.statSync(".").mode) & 0o777;
  overlay.fs.chmodSync(".", 0o711);
  await overlay.commit();
  await overlay.undo();
  expect(shown()).toBe(0o700);
  overlay.fs.chmodSync(".", 0o711);
  await overlay.commit();
  expect(fs.statSync(root).mode & 0o777).toBe(0o711);
  fs.chmodSync(root, 0o750);
  overlay.fs.chmodSync(".", 0o705);
  await overlay.commit();
  expect(fs.statSync(root).mode & 0o777).toBe(0o705);
  overlay.fs.chmodSync(".", 0o700);
  fs.chmodSync(root, 0o750);
  await expect(overlay.commit()).rejects.toThrow('"." has changed');
  expect([shown(), fs.statSync(root).mode & 0o777]).toEqual([0o700, 0o750]);
});
