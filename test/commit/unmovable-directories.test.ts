import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { prepareCommit } from "../../src/commit/prepare.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { canMountLayers, LayeredRoot, type Layering } from "../support/layered-root.ts";
import { StiffDisk } from "../support/stiff-disk.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { makeChanges, makeTree, TemporaryRoot } from "./scenario.ts";
import { readTree, type TreeLines } from "./tree.ts";

function fill(root: string): void {
  fs.mkdirSync(join(root, "src/deep/er"), { recursive: true });
  fs.writeFileSync(join(root, "src/file"), "file\n");
  fs.writeFileSync(join(root, "src/deep/er/far"), "far\n");
  fs.symlinkSync("file", join(root, "src/link"));
  fs.chmodSync(join(root, "src/deep"), 0o750);
}

const store = (disk: Disk, root: string) => openCommitStore(disk, stateDirectoryOf(root));

/** A root in which no directory can be renamed. */
function stiffRoot() {
  const root = TemporaryRoot.inMemory();
  fill(root.path);
  return root;
}

/** Names of one file may part on an overlayfs, whoever touches them. */
function withoutLinks(tree: TreeLines): [string, string][] {
  return Object.entries(tree).map(([path, line]) => [path, line.replace(/ = [^"]*$/, "")]);
}

test("a file that somebody adds to a moved directory before the commit moves along", async () => {
  using root = stiffRoot();
  const changes = new ChangeBuilder(root.path).rename("src", "lib").build();
  fs.writeFileSync(join(root.path, "src/deep/late"), "late\n");
  const receipt = await commitChangeSet(store(new StiffDisk(), root.path), changes);
  expect(receipt.changes).toMatchObject([{ kind: "rename", from: "src", path: "lib" }]);
  expect(fs.readFileSync(join(root.path, "lib/deep/late"), "utf8")).toBe("late\n");
  expect(fs.readdirSync(root.path).sort()).toEqual([".draftfs", "lib"]);
  expect(fs.statSync(join(root.path, "lib/deep")).mode & 0o777).toBe(0o750);
});

test("a file that somebody adds while the commit is prepared takes it back, and stays", async () => {
  using root = stiffRoot();
  const changes = new ChangeBuilder(root.path).rename("src", "lib").build();
  const prepared = await prepareCommit(store(new StiffDisk(), root.path), changes);
  fs.writeFileSync(join(root.path, "src/deep/late"), "late\n");
  const tree = readTree(root.path, { times: true });
  await expect(prepared.publish()).rejects.toMatchObject({
    code: "DRAFT_COMMIT_FAILED",
    path: "src/deep",
  });
  expect(readTree(root.path, { times: true })).toEqual(tree);
});

test("a file that lies where a change puts one into a moved directory is a conflict", async () => {
  using root = stiffRoot();
  const changes = new ChangeBuilder(root.path)
    .rename("src", "lib")
    .create("lib/new", "ours\n")
    .build();
  fs.writeFileSync(join(root.path, "src/new"), "theirs\n");
  const tree = readTree(root.path, { times: true });
  await expect(commitChangeSet(store(new StiffDisk(), root.path), changes)).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    details: { conflicts: [{ path: "src/new", reason: "appeared" }] },
  });
  expect(readTree(root.path, { times: true })).toEqual(tree);
});

test("a fifo in a directory that cannot be renamed is a conflict, and nothing moves", async () => {
  using root = stiffRoot();
  execFileSync("mkfifo", [join(root.path, "src/deep/pipe")]);
  const changes = new ChangeBuilder(root.path).rename("src", "lib").build();
  const tree = readTree(root.path, { times: true });
  await expect(commitChangeSet(store(new StiffDisk(), root.path), changes)).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    details: { conflicts: [{ path: "src/deep/pipe", reason: "unsupported" }] },
  });
  expect(readTree(root.path, { times: true })).toEqual(tree);
  expect(fs.readdirSync(join(root.path, ".draftfs/staging"))).toEqual([]);
});

test("names of one file stay so when their directory is taken apart", async () => {
  using root = stiffRoot();
  fs.linkSync(join(root.path, "src/file"), join(root.path, "src/deep/again"));
  const changes = new ChangeBuilder(root.path).rename("src", "lib").build();
  await commitChangeSet(store(new StiffDisk(), root.path), changes);
  const names = ["lib/file", "lib/deep/again"].map((path) => fs.statSync(join(root.path, path)));
  expect(names.map(({ ino, nlink }) => [ino, nlink])).toEqual([
    [names[0]?.ino, 2],
    [names[0]?.ino, 2],
  ]);
});

test("on other file systems nothing is asked that a commit did not ask before", async () => {
  using root = stiffRoot();
  const disk = new FaultDisk(new NodeDisk());
  const changes = new ChangeBuilder(root.path).rename("src", "lib").build();
  await commitChangeSet(store(disk, root.path), changes);
  const moves = disk.calls.filter(({ name, path }) => name === "rename" && path?.endsWith("/lib"));
  expect(moves).toHaveLength(1);
  expect(disk.calls.filter(({ path }) => path?.includes("/full"))).toEqual([]);
  expect(disk.calls.filter(({ path }) => path?.includes("copied-up"))).toEqual([]);
});

const layerings: readonly Layering[] = [
  {},
  { options: "redirect_dir=on,index=on" },
  { isApart: true },
  { isApart: true, options: "xino=off" },
];

test.runIf(canMountLayers()).each(layerings)(
  "a commit of everything on an overlayfs does what it does elsewhere, and is undone: %o",
  async (layering) => {
    using elsewhere = TemporaryRoot.inMemory();
    makeTree(elsewhere.path);
    await commitChangeSet(store(new NodeDisk(), elsewhere.path), makeChanges(elsewhere.path));
    using root = new LayeredRoot(makeTree, layering);
    const old = readTree(root.path);
    await commitChangeSet(store(new NodeDisk(), root.path), makeChanges(root.path));
    const wanted: Record<string, string> = { ...readTree(elsewhere.path) };
    if (layering.options?.includes("index=on") !== true) {
      // Names that the change set does not know of: the kernel lets them keep the old bytes.
      for (const path of ["shared-2", "paired-2"]) wanted[path] = old[path] ?? "";
    }
    expect(withoutLinks(readTree(root.path))).toEqual(withoutLinks(wanted));
    await undo(store(new NodeDisk(), root.path), {});
    expect(withoutLinks(readTree(root.path))).toEqual(withoutLinks(old));
  },
);

test.runIf(canMountLayers())("what was made since the image moves as a whole", async () => {
  using root = new LayeredRoot(fill);
  fs.mkdirSync(join(root.path, "src/made/since"), { recursive: true });
  const made = fs.statSync(join(root.path, "src/made")).ino;
  const changes = new ChangeBuilder(root.path).rename("src", "lib").build();
  await commitChangeSet(store(new NodeDisk(), root.path), changes);
  expect(fs.statSync(join(root.path, "lib/made")).ino).toBe(made);
  expect(fs.existsSync(join(root.path, "src"))).toBe(false);
  // All of it has been made since by now.
  const moved = fs.statSync(join(root.path, "lib")).ino;
  await undo(store(new NodeDisk(), root.path), {});
  expect(fs.statSync(join(root.path, "src")).ino).toBe(moved);
});

test.runIf(canMountLayers())("both names of a file of the image get what is written", async () => {
  using root = new LayeredRoot((lower) => {
    fs.writeFileSync(join(lower, "one"), "old\n");
    fs.linkSync(join(lower, "one"), join(lower, "other"));
  });
  const wish = { group: 1, sameNode: true };
  const changes = new ChangeBuilder(root.path)
    .write("one", "new\n", wish)
    .write("other", "new\n", wish)
    .build();
  await commitChangeSet(store(new NodeDisk(), root.path), changes);
  const read = () => ["one", "other"].map((name) => fs.readFileSync(join(root.path, name), "utf8"));
  expect(read()).toEqual(["new\n", "new\n"]);
  await undo(store(new NodeDisk(), root.path), {});
  expect(read()).toEqual(["old\n", "old\n"]);
});
