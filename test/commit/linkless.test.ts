import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { RootLock } from "../../src/commit/lock/lock.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { identifyProcess } from "../../src/disk/process-identity.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { LinklessDisk } from "../support/linkless-disk.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";
import { readTree } from "./tree.ts";

const store = (disk: Disk, root: string) => openCommitStore(disk, stateDirectoryOf(root));

/** A tree as such a file system can hold it. */
function makeRoot() {
  const root = TemporaryRoot.inMemory();
  fs.mkdirSync(join(root.path, "directory/deep"), { recursive: true });
  for (const name of ["changed", "removed", "moved", "directory/inside"]) {
    fs.writeFileSync(join(root.path, name), `${name}: old\n`);
  }
  return root;
}

function makeChanges(root: string) {
  return new ChangeBuilder(root)
    .write("changed", "changed: new\n")
    .remove("removed")
    .rename("moved", "moved away")
    .rename("directory", "elsewhere")
    .create("elsewhere/deep/new", "new\n")
    .create("created", "created\n")
    .build();
}

const locks = (root: string) =>
  fs.readdirSync(join(root, ".draftfs")).filter((name) => name.startsWith("lock"));

test("a commit without hard links is carried out, undone, and leaves no lock", async () => {
  using root = makeRoot();
  const old = readTree(root.path);
  const disk = new LinklessDisk();
  await commitChangeSet(store(disk, root.path), makeChanges(root.path));
  expect(fs.readFileSync(join(root.path, "elsewhere/deep/new"), "utf8")).toBe("new\n");
  expect(fs.readFileSync(join(root.path, "created"), "utf8")).toBe("created\n");
  await undo(store(disk, root.path), {});
  expect(readTree(root.path)).toEqual(old);
  expect(locks(root.path)).toEqual([]);
});

test("a commit without hard links that dies before any one of its changes is all or none", async () => {
  const trees = { old: "", new: "", calls: new FaultDisk(new LinklessDisk()) };
  {
    using root = makeRoot();
    trees.old = JSON.stringify(readTree(root.path));
    await commitChangeSet(store(trees.calls, root.path), makeChanges(root.path));
    trees.new = JSON.stringify(readTree(root.path));
  }
  const seen = { old: 0, new: 0 };
  for (const { index, name, path } of trees.calls.changes) {
    using root = makeRoot();
    const dying = new FaultDisk(new LinklessDisk(), (call) =>
      call.index === index ? { kind: "death" } : { kind: "none" },
    );
    // One that dies while it gives its lock back has done its work.
    await commitChangeSet(store(dying, root.path), makeChanges(root.path)).catch(() => undefined);
    const next = new FaultDisk(new LinklessDisk());
    await recoverJournal(store(next, root.path), { waitMs: 200 });
    const found = JSON.stringify(readTree(root.path));
    expect([trees.old, trees.new], `${index} ${name} ${path}`).toContain(found);
    seen[found === trees.old ? "old" : "new"] += 1;
    const after = new ChangeBuilder(root.path).create("next", "next\n").build();
    await commitChangeSet(store(next, root.path), after, { lockWaitMs: 200 });
    expect(locks(root.path).filter((lock) => !lock.endsWith(".new"))).toEqual([]);
  }
  expect(seen.old).toBeGreaterThan(10);
  expect(seen.new).toBeGreaterThan(10);
});

test("one at a time holds a lock without hard links, and a live holder is never robbed", async () => {
  using root = makeRoot();
  const state = stateDirectoryOf(root.path);
  fs.mkdirSync(state.path);
  const disk = new LinklessDisk();
  const held = await RootLock.take(disk, state);
  await expect(RootLock.take(disk, state, { waitMs: 20 })).rejects.toMatchObject({
    code: "DRAFT_LOCKED",
    details: { pid: process.pid },
  });
  held.release();
  expect(locks(root.path)).toEqual([]);
  (await RootLock.take(disk, state, { waitMs: 20 })).release();
});

test.each([
  ["of a dead process", "directory", { startTime: "1" }],
  ["torn by a power cut", "torn", {}],
  ["given back half", "empty", {}],
  ["of a dead process, from when there were links", "file", { startTime: "1" }],
])("a lock without hard links %s holds nobody back", async (_name, form, wish) => {
  using root = makeRoot();
  const state = stateDirectoryOf(root.path);
  fs.mkdirSync(state.path);
  const disk = new LinklessDisk();
  const holder = { ...identifyProcess(disk), ...wish, token: "left" };
  const bytes = form === "torn" ? "" : `${JSON.stringify(holder)}\n`;
  if (form === "file") fs.writeFileSync(state.lock, bytes);
  else {
    fs.mkdirSync(state.lock);
    if (form !== "empty") fs.writeFileSync(join(state.lock, "left"), bytes);
  }
  using lock = await RootLock.take(disk, state, { waitMs: 200 });
  expect(locks(root.path)).toEqual(["lock"]);
  await expect(RootLock.take(disk, state, { waitMs: 20 })).rejects.toMatchObject({
    code: "DRAFT_LOCKED",
  });
  lock.release();
  expect(locks(root.path)).toEqual([]);
});

test("a symbolic link where there are none is refused before anything changes", async () => {
  using root = makeRoot();
  const old = readTree(root.path, { times: true });
  const changes = new ChangeBuilder(root.path)
    .write("changed", "new\n")
    .createLink("pointer", "changed")
    .build();
  await expect(
    commitChangeSet(store(new LinklessDisk(), root.path), changes),
  ).rejects.toMatchObject({
    code: "DRAFT_COMMIT_FAILED",
    path: "pointer",
  });
  expect(readTree(root.path, { times: true })).toEqual(old);
});
