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
