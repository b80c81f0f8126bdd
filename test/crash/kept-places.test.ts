import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { type RecoveryReport, recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { packedContentBytesMax } from "../../src/limits.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { FaultDisk, ProcessDied } from "../support/fault-disk.ts";
import { commit } from "./commit-faults.ts";

/** Commits and dies before the first step that puts something at a path. */
async function dieBefore(root: string, changes: ChangeSet, path: string): Promise<void> {
  const place = new RegExp(`^/proc/self/fd/\\d+/${path}$`);
  const disk = new FaultDisk(new NodeDisk(), ({ path: target = "", changes: isChange }) => {
    const isStep = isChange && (place.test(target) || target === `${root}/${path}`);
    return isStep ? { kind: "death" } : { kind: "none" };
  });
  await expect(commit(disk, root, changes)).rejects.toThrow(ProcessDied);
}

function recover(root: string): Promise<RecoveryReport> {
  const disk = new FaultDisk(new NodeDisk());
  return recoverJournal(openCommitStore(disk, stateDirectoryOf(root)), { waitMs: 200 });
}

test("a file and a directory that wait in a slot while their places are taken are set aside", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  fs.writeFileSync(at("a"), "a\n");
  fs.writeFileSync(at("b"), "b\n");
  fs.mkdirSync(at("left"));
  fs.mkdirSync(at("right"));
  fs.writeFileSync(at("left/inside"), "left\n");
  fs.writeFileSync(at("right/inside"), "right\n");
  const changes = new ChangeBuilder(root.path)
    .rename("a", "b")
    .rename("b", "a")
    .rename("left", "right")
    .rename("right", "left")
    .build();
  // Everything is parked, nothing has arrived.
  await dieBefore(root.path, changes, "a");
  fs.writeFileSync(at("a"), "somebody's\n");
  fs.mkdirSync(at("left"));
  fs.writeFileSync(at("left/other"), "somebody's\n");
  const { kept } = await recover(root.path);
  expect(kept).toEqual([
    { path: "a", step: "move", savedAs: ".draftfs/conflicts/1/a" },
    { path: "left", step: "move", savedAs: ".draftfs/conflicts/1/left" },
  ]);
  expect(fs.readFileSync(at("a"), "utf8")).toBe("somebody's\n");
  expect(fs.readFileSync(at("b"), "utf8")).toBe("a\n");
  expect(fs.readdirSync(at("left"))).toEqual(["other"]);
  expect(fs.readFileSync(at("right/inside"), "utf8")).toBe("left\n");
  expect(fs.readFileSync(at(".draftfs/conflicts/1/a"), "utf8")).toBe("b\n");
  expect(fs.readFileSync(at(".draftfs/conflicts/1/left/inside"), "utf8")).toBe("right\n");
  expect(fs.readdirSync(at(".draftfs/staging"))).toEqual([]);
  expect((await recover(root.path)).outcome).toBe("clean");
});

test("large content whose place is taken is set aside", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  const bytes = Buffer.alloc(packedContentBytesMax + 1, "large ");
  const changes = new ChangeBuilder(root.path).create("large", bytes, { mode: 0o640 }).build();
  await dieBefore(root.path, changes, "large");
  fs.writeFileSync(at("large"), "somebody's\n");
  const { kept } = await recover(root.path);
  const savedAs = ".draftfs/conflicts/1/large";
  expect(kept).toEqual([{ path: "large", step: "install", savedAs }]);
  expect(fs.readFileSync(at(savedAs)).equals(bytes)).toBe(true);
  expect(fs.statSync(at(savedAs)).mode & 0o7777).toBe(0o640);
});

test("what is set aside twice, or in the way of something else, has a place each", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  const changes = new ChangeBuilder(root.path).create("x/y", "ours\n").build();
  fs.mkdirSync(at("x"));
  await dieBefore(root.path, changes, "y");
  fs.writeFileSync(at("x/y"), "somebody's\n");
  // Left there by hand, where a directory is needed.
  fs.mkdirSync(at(".draftfs/conflicts/1"));
  fs.writeFileSync(at(".draftfs/conflicts/1/x"), "in the way\n");
  const { kept } = await recover(root.path);
  expect(kept).toEqual([{ path: "x/y", step: "install", savedAs: ".draftfs/conflicts/1-2/x/y" }]);
  expect(fs.readFileSync(at(".draftfs/conflicts/1/x"), "utf8")).toBe("in the way\n");
  expect(fs.readFileSync(at(".draftfs/conflicts/1-2/x/y"), "utf8")).toBe("ours\n");
});
