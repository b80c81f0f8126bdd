import fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Overlay, openOverlay } from "../../src/index.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { removeTree } from "../support/remove-tree.ts";

let root: string;
let overlay: Overlay;
beforeEach(async () => {
  root = fs.mkdtempSync(join(memoryDirectory(), "draftfs-links-"));
  for (const name of ["a", "b/c", ".draftfs"]) fs.mkdirSync(join(root, name), { recursive: true });
  fs.chmodSync(join(root, ".draftfs"), 0o700);
  overlay = await openOverlay(root);
});
afterEach(async () => {
  await overlay.close({ settle: false });
  removeTree(root);
});

/** Links of the root beyond those that it has without sub-directories, told and expected. */
function links(): { told: number; expected: number } {
  // Two of its own, one from the state directory.
  const own = fs.lstatSync(root).nlink < 2 ? 0 : 3;
  const shown = overlay.fs.readdirSync(root, { withFileTypes: true });
  const directories = shown.filter((entry) => entry.isDirectory()).length;
  return {
    told: overlay.fs.statSync(root).nlink,
    expected: own === 0 ? 1 : own + directories,
  };
}

const commitOf = (include?: string[]) =>
  overlay.commit({ durability: "none", ...(include === undefined ? {} : { include }) });

test.each<readonly [string, () => Promise<unknown>]>([
  [
    "after a commit and its undo",
    async () => {
      overlay.fs.mkdirSync("new");
      await commitOf();
      await overlay.undo({ durability: "none" });
    },
  ],
  [
    "after an undo beside which something is pending",
    async () => {
      overlay.fs.mkdirSync("new");
      await commitOf();
      overlay.fs.mkdirSync("more");
      overlay.fs.rmdirSync("a");
      await overlay.undo({ durability: "none" });
    },
  ],
  [
    "after a commit of a part",
    async () => {
      overlay.fs.mkdirSync("new");
      overlay.fs.mkdirSync("more");
      overlay.fs.renameSync("b", "c");
      overlay.fs.rmdirSync("a");
      await commitOf(["new", "new/**"]);
    },
  ],
  [
    "after a commit of a part that takes directories away, and its undo",
    async () => {
      overlay.fs.mkdirSync("new");
      overlay.fs.rmdirSync("a");
      await commitOf(["a"]);
      await overlay.undo({ durability: "none" });
    },
  ],
  [
    "where another program makes a directory beside one that is pending",
    async () => {
      overlay.fs.mkdirSync("new");
      fs.mkdirSync(join(root, "theirs"));
    },
  ],
  [
    "after a rollback",
    async () => {
      overlay.fs.mkdirSync("new");
      const savepoint = overlay.savepoint();
      fs.mkdirSync(join(root, "theirs"));
      overlay.fs.mkdirSync("more");
      overlay.rollback(savepoint);
    },
  ],
])("the root counts its sub-directories %s", async (_, act) => {
  await act();
  const { told, expected } = links();
  expect(told).toBe(expected);
});
