import fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { memoryDirectory } from "../support/memory-directory.ts";
import { removeTree } from "../support/remove-tree.ts";

const isRoot = process.geteuid?.() === 0;
const user = 65_534;

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(join(memoryDirectory(), "draftfs-read-only-"));
  if (!isRoot) return;
  fs.chownSync(root, user, user);
  process.seteuid?.(user);
});
afterEach(() => {
  if (isRoot) process.seteuid?.(0);
  removeTree(root);
});

const stateOf = (name: string) => {
  const { mode, nlink } = fs.statSync(join(root, name));
  const content = fs.readFileSync(join(root, name), "utf8");
  return { mode: (mode & 0o777).toString(8), nlink, content };
};

const made = (mode: number) => {
  fs.writeFileSync(join(root, "file"), "before");
  fs.chmodSync(join(root, "file"), mode);
  fs.linkSync(join(root, "file"), join(root, "second"));
};

/** All names of a file keep showing it: it is written where it lies. */
describe("a file with several names that its owner may not write to", () => {
  test("is written once it got that right in the draft, and has its mode back after an undo", async () => {
    made(0o444);
    await using overlay = await openOverlay(root);
    overlay.fs.chmodSync("file", 0o644);
    overlay.fs.writeFileSync("file", "after");
    await overlay.commit();
    const after = { mode: "644", nlink: 2, content: "after" };
    expect([stateOf("file"), stateOf("second")]).toEqual([after, after]);
    await overlay.undo();
    const before = { mode: "444", nlink: 2, content: "before" };
    expect([stateOf("file"), stateOf("second")]).toEqual([before, before]);
  });

  test("is written back by an undo where the draft took the right away", async () => {
    made(0o644);
    await using overlay = await openOverlay(root);
    overlay.fs.writeFileSync("file", "after");
    overlay.fs.chmodSync("file", 0o400);
    await overlay.commit();
    const after = { mode: "400", nlink: 2, content: "after" };
    expect([stateOf("file"), stateOf("second")]).toEqual([after, after]);
    await overlay.undo();
    const before = { mode: "644", nlink: 2, content: "before" };
    expect([stateOf("file"), stateOf("second")]).toEqual([before, before]);
  });
});
