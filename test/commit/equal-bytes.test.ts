import fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { removeTree } from "../support/remove-tree.ts";

const old = 1_000_000_000;

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(join(memoryDirectory(), "draftfs-equal-"));
  fs.mkdirSync(join(root, "store"));
  fs.writeFileSync(join(root, "store/file"), "bytes");
  fs.chmodSync(join(root, "store/file"), 0o444);
  fs.linkSync(join(root, "store/file"), join(root, "file"));
  fs.utimesSync(join(root, "file"), old, old);
});
afterEach(() => removeTree(root));

const stateOf = (name: string) => {
  const { mode, nlink, mtimeMs } = fs.statSync(join(root, name));
  return { mode: (mode & 0o777).toString(8), nlink, mtime: mtimeMs };
};

type Act = (overlay: typeof fs) => void;

test.each<readonly [string, Act, { mode: string; mtime: number }]>([
  ["another mode", (overlay) => overlay.chmodSync("new", 0o755), { mode: "755", mtime: 1000 }],
  ["other times", (overlay) => overlay.chmodSync("new", 0o444), { mode: "444", mtime: 1000 }],
])(
  "a new file with the bytes of one with other names, and %s, is a file of its own",
  async (...[, act, shown]) => {
    await using overlay = await openOverlay(root);
    const before = stateOf("store/file");
    const overlayFs = overlay.fs as unknown as typeof fs;
    overlayFs.writeFileSync("new", "bytes");
    act(overlayFs);
    overlayFs.utimesSync("new", 1, 1);
    overlayFs.renameSync("new", "file");
    await overlay.commit({ durability: "none" });
    expect(stateOf("file")).toEqual({ ...shown, nlink: 1 });
    expect(stateOf("store/file")).toEqual({ ...before, nlink: 1 });
    expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("bytes");
    await overlay.undo({ durability: "none" });
    expect(stateOf("file").mode).toBe("444");
    expect(stateOf("store/file").mode).toBe("444");
  },
);

test("a new file like the one before is its own where another name changes that", async () => {
  await using overlay = await openOverlay(root);
  const overlayFs = overlay.fs as unknown as typeof fs;
  overlayFs.writeFileSync("new", "bytes", { mode: 0o444 });
  overlayFs.renameSync("new", "file");
  overlayFs.chmodSync("store/file", 0o644);
  overlayFs.writeFileSync("store/file", "others");
  await overlay.commit({ durability: "none" });
  expect(fs.readFileSync(join(root, "file"), "utf8")).toBe("bytes");
  expect(fs.readFileSync(join(root, "store/file"), "utf8")).toBe("others");
  expect(stateOf("file")).toMatchObject({ mode: "444", nlink: 1 });
  expect(stateOf("store/file")).toMatchObject({ mode: "644", nlink: 1 });
  await overlay.undo({ durability: "none" });
  expect(fs.readFileSync(join(root, "store/file"), "utf8")).toBe("bytes");
  expect([stateOf("file").mode, stateOf("store/file").mode]).toEqual(["444", "444"]);
});

test("a new file like the one before leaves that alone otherwise", async () => {
  await using overlay = await openOverlay(root);
  const overlayFs = overlay.fs as unknown as typeof fs;
  overlayFs.writeFileSync("new", "bytes", { mode: 0o444 });
  overlayFs.renameSync("new", "file");
  expect((await overlay.diff()).changes).toEqual([]);
});

test("one more name of an equal file leaves the names of the one before as they are", async () => {
  fs.writeFileSync(join(root, "equal"), "bytes", { mode: 0o755 });
  await using overlay = await openOverlay(root);
  const overlayFs = overlay.fs as unknown as typeof fs;
  overlayFs.linkSync("equal", "new");
  overlayFs.renameSync("new", "file");
  await overlay.commit({ durability: "none" });
  expect(stateOf("store/file")).toEqual({ mode: "444", nlink: 1, mtime: old * 1000 });
  expect(stateOf("file")).toMatchObject({ mode: "755", nlink: 2 });
  expect(fs.statSync(join(root, "file")).ino).toBe(fs.statSync(join(root, "equal")).ino);
});
