import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { packedContentBytesMax } from "../../src/limits.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";

const fine: Fault = { kind: "none" };
const [old, young, third] = ["old ", "new ", "3rd "].map((text) =>
  Buffer.alloc(packedContentBytesMax + 4096, text),
) as [Buffer, Buffer, Buffer];

function open(root: string, faultAt: (call: DiskCall) => Fault = () => fine) {
  return openCommitStore(new FaultDisk(new NodeDisk(), faultAt), stateDirectoryOf(root));
}

function isAt(path: string, bytes: Buffer): boolean {
  return fs.readFileSync(path).equals(bytes);
}

/** A large file of two names, and the change that gives it other bytes. */
function twins(root: string, bytes: Buffer) {
  return new ChangeBuilder(root).write("one", bytes, { group: 1, sameNode: true }).build();
}

test("a large file of two names is undone to what it was, and redone again by another commit", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  fs.writeFileSync(at("one"), old);
  fs.linkSync(at("one"), at("two"));
  await commitChangeSet(open(root.path), twins(root.path, young));
  expect(isAt(at("two"), young)).toBe(true);
  await undo(open(root.path));
  expect(isAt(at("one"), old)).toBe(true);
  expect(isAt(at("two"), old)).toBe(true);
  await commitChangeSet(open(root.path), twins(root.path, third));
  await undo(open(root.path));
  expect(isAt(at("two"), old)).toBe(true);
  expect(fs.statSync(at("one")).ino).toBe(fs.statSync(at("two")).ino);
});

test("a process that dies while it writes into a large file of two names is finished", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  fs.writeFileSync(at("one"), old);
  fs.linkSync(at("one"), at("two"));
  let writes = 0;
  let isDecided = false;
  let isInPlace = false;
  const store = open(root.path, ({ name, path }) => {
    if (name === "rename" && path?.endsWith("journal/current")) isDecided = true;
    // The file is opened once more, to be written into.
    if (isDecided && name === "open" && path?.endsWith("/one")) isInPlace = true;
    return isInPlace && name === "write" && writes++ === 4 ? { kind: "death" } : fine;
  });
  await expect(commitChangeSet(store, twins(root.path, young))).rejects.toThrow();
  expect(isAt(at("one"), old) || isAt(at("one"), young)).toBe(false);
  expect(await recoverJournal(open(root.path))).toMatchObject({ outcome: "finished", kept: [] });
  expect(isAt(at("two"), young)).toBe(true);
});

test("large files that the disk failed to write are written anew, and the next commit goes on", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  fs.writeFileSync(at("replaced"), old);
  const changes = new ChangeBuilder(root.path)
    .write("replaced", young)
    .create("created", third, { mode: 0o640 })
    .build();
  await commitChangeSet(open(root.path), changes);
  const before = fs.statSync(at("created"));
  const refused = open(root.path, ({ name }) =>
    name === "syncfs" ? { kind: "error", code: "EIO" } : fine,
  );
  const next = new ChangeBuilder(root.path).create("next", "next\n").build();
  await expect(commitChangeSet(refused, next)).rejects.toMatchObject({
    code: "DRAFT_COMMIT_FAILED",
  });
  await commitChangeSet(open(root.path), next);
  const after = fs.statSync(at("created"));
  expect(after.ino).not.toBe(before.ino);
  expect(after.mode & 0o7777).toBe(0o640);
  expect(isAt(at("created"), third)).toBe(true);
  expect(isAt(at("replaced"), young)).toBe(true);
});

test("a disk that could not be asked has not failed", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  const commit = (path: string, store = open(root.path)) =>
    commitChangeSet(store, new ChangeBuilder(root.path).create(path, `${path}\n`).build());
  await commit("first");
  const before = fs.statSync(at("first")).ino;
  const refused = open(root.path, ({ name }) =>
    name === "syncfs" ? { kind: "error", code: "EMFILE" } : fine,
  );
  await expect(commit("second", refused)).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
  await commit("third");
  expect(fs.statSync(at("first")).ino).toBe(before);
});
