import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { settleIfFree } from "../../src/commit/journal/settle.ts";
import { type RecoveryReport, recoverJournal } from "../../src/commit/recover/recover.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { isDraftError } from "../../src/errors.ts";
import { journalSlotBytes } from "../../src/limits.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { MachineDisk } from "./block/machine-disk.ts";
import { isStoreSound, makeRoot, recover } from "./commit-faults.ts";

const sealBytes = 512;

function open(root: string, boot: number) {
  const bootId = `00000000-0000-4000-8000-00000000000${boot}`;
  return openCommitStore(new MachineDisk(bootId), stateDirectoryOf(root));
}

function journalOf(root: string): (name: string) => string {
  return (name) => join(root, ".draftfs", "journal", name);
}

/** Commits a change of one file under the first boot; its record lies in a slot. */
async function commitInSlot(root: string): Promise<void> {
  await makeRoot(root, "slots");
  const changes = new ChangeBuilder(root).write("changed", "changed: new\n").build();
  await commitChangeSet(open(root, 1), changes);
}

/** Writes over bytes of a file where they lie, its times being as they were. */
function damage(path: string, position: number, bytes: Buffer): void {
  const { atime, mtime } = fs.statSync(path);
  const { mode } = fs.statSync(path);
  fs.chmodSync(path, 0o600);
  const descriptor = fs.openSync(path, "r+");
  fs.writeSync(descriptor, bytes, 0, bytes.length, position);
  fs.closeSync(descriptor);
  fs.chmodSync(path, mode);
  fs.utimesSync(path, atime, mtime);
}

/** As if what was damaged had been so before the last step of the commit: it bears no later time. */
async function noteLater(root: string): Promise<void> {
  const path = journalOf(root)("progress");
  const [applied, sequence, bootId] = fs.readFileSync(path, "utf8").split(" ");
  await delay(25);
  fs.writeFileSync(path, `${applied} ${sequence} ${bootId} ${Date.now()}\n`);
}

function sequenceOf(root: string): number {
  return open(root, 1).journal.sequence();
}

function newestPack(root: string): string {
  const directory = join(root, ".draftfs/checkpoints.git/objects/pack");
  const packs = fs.readdirSync(directory).filter((name) => name.endsWith(".pack"));
  const times = packs.map((name) => fs.statSync(join(directory, name)).mtimeMs);
  return join(directory, packs[times.indexOf(Math.max(...times))] as string);
}

async function recoverAfterReboot(root: string): Promise<RecoveryReport> {
  return recoverJournal(open(root, 2));
}

test("small commits use one slot after the other, large ones files of their own", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const store = open(root.path, 1);
  const journal = journalOf(root.path);
  const current = () => fs.readFileSync(journal("current"), "latin1").split(" ")[2];
  const heads = () => {
    const bytes = fs.readFileSync(journal("slots")).toString("latin1");
    return [0, 1].map(
      (slot) =>
        bytes.slice(sealBytes + slot * journalSlotBytes).match(/^draftfs-journal 1 (\d+) /)?.[1],
    );
  };
  const commit = async (text: string) => {
    const changes = new ChangeBuilder(root.path).write("changed", text).build();
    return (await commitChangeSet(store, changes)).counts.syncs;
  };
  expect([current(), ...heads()]).toEqual(["1", undefined, undefined]);
  expect(await commit("2")).toBe(1);
  expect([current(), ...heads()]).toEqual(["1", "2", undefined]);
  expect(await commit("3")).toBe(1);
  expect([current(), ...heads()]).toEqual(["1", "2", "3"]);
  expect(await commit("4")).toBe(1);
  expect([current(), ...heads()]).toEqual(["1", "4", "3"]);
  expect(await commit("5".repeat(journalSlotBytes))).toBe(3);
  expect([current(), ...heads()]).toEqual(["5", "4", "3"]);
  // What it replaces is in the store already, and need not be in its pack.
  expect(await commit("6")).toBe(1);
  fs.writeFileSync(join(root.path, "changed"), "somebody's".repeat(journalSlotBytes / 8));
  expect(await commit("7")).toBe(3);
  expect(sequenceOf(root.path)).toBe(7);
  await settleIfFree(store);
  expect(fs.readdirSync(journal(".")).sort()).toEqual(["current", "progress", "slots"]);
  expect([...checkpoints(store.objects)].map(({ manifest }) => manifest.sequence)).toEqual([
    7, 6, 5, 4, 3, 2, 1,
  ]);
  expect(isStoreSound(root.path)).toBe(true);
});

test("slots of the first kind are used as they are, and no larger than they are", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const journal = journalOf(root.path);
  const smallBytes = 256 * 1024;
  fs.writeFileSync(journal("slots"), Buffer.alloc(sealBytes + 2 * smallBytes));
  damage(journal("slots"), 0, Buffer.from("draftfs-slots 1\n"));
  const commit = async (text: string) => {
    const changes = new ChangeBuilder(root.path).write("changed", text).build();
    return (await commitChangeSet(open(root.path, 1), changes)).counts.syncs;
  };
  expect([await commit("2"), await commit("3")]).toEqual([1, 1]);
  expect(fs.statSync(journal("slots")).size).toBe(sealBytes + 2 * smallBytes);
  const second = fs.readFileSync(journal("slots")).toString("latin1", sealBytes + smallBytes);
  expect(second).toMatch(/^draftfs-journal 1 3 /);
  expect(sequenceOf(root.path)).toBe(3);
  expect(await commit("4".repeat(smallBytes))).toBe(3);
  expect(sequenceOf(root.path)).toBe(4);
  expect(isStoreSound(root.path)).toBe(true);
});

test("slots that a later version has made stop everything, and are left as they are", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const journal = journalOf(root.path);
  damage(journal("slots"), 0, Buffer.from("draftfs-slots 3\n"));
  const before = fs.readFileSync(journal("slots"));
  const changes = new ChangeBuilder(root.path).write("changed", "2").build();
  await expect(commitChangeSet(open(root.path, 1), changes)).rejects.toMatchObject({
    code: "DRAFT_FORMAT_NEWER",
    path: journal("slots"),
  });
  expect(fs.readFileSync(journal("slots")).equals(before)).toBe(true);
});

test("what a power cut has left of the pack is written again out of the slot", async () => {
  using root = TemporaryRoot.inMemory();
  await commitInSlot(root.path);
  // The tree and the store had the bytes, and the device had not.
  damage(newestPack(root.path), 12, Buffer.alloc(fs.statSync(newestPack(root.path)).size - 12));
  damage(join(root.path, "changed"), 0, Buffer.alloc("changed: new\n".length));
  await noteLater(root.path);
  const report = await recoverAfterReboot(root.path);
  expect(report).toMatchObject({ outcome: "finished", redone: 1, kept: [] });
  expect(fs.readFileSync(join(root.path, "changed"), "utf8")).toBe("changed: new\n");
  expect(isStoreSound(root.path)).toBe(true);
  // The record has a file of its own now.
  expect(fs.existsSync(journalOf(root.path)("slots.new"))).toBe(false);
  expect(fs.readFileSync(journalOf(root.path)("current"), "latin1")).toMatch(/^\S+ 1 2 /);
});

test("a recovery that was cut off once the record had its own file still mends the pack", async () => {
  using root = TemporaryRoot.inMemory();
  await commitInSlot(root.path);
  const pack = newestPack(root.path);
  damage(pack, 12, Buffer.alloc(fs.statSync(pack).size - 12));
  damage(join(root.path, "changed"), 0, Buffer.alloc("changed: new\n".length));
  await noteLater(root.path);
  let isEntrenched = false;
  const disk = new FaultDisk(open(root.path, 2).disk, ({ name, path, changes }) => {
    if (isEntrenched && changes) return { kind: "death" };
    isEntrenched ||= name === "unlink" && path?.endsWith("journal/slots") === true;
    return { kind: "none" };
  });
  await expect(
    recoverJournal(openCommitStore(disk, stateDirectoryOf(root.path))),
  ).rejects.toThrow();
  expect(isEntrenched).toBe(true);
  expect(isStoreSound(root.path)).toBe(false);
  await recoverAfterReboot(root.path);
  expect(fs.readFileSync(join(root.path, "changed"), "utf8")).toBe("changed: new\n");
  expect(isStoreSound(root.path)).toBe(true);
});

test("a slot that is torn anywhere was never in force", async () => {
  using root = TemporaryRoot.inMemory();
  await commitInSlot(root.path);
  const path = journalOf(root.path)("slots");
  const whole = fs.readFileSync(path);
  const length = whole.length - whole.toReversed().findIndex((byte) => byte !== 0);
  const written = length - sealBytes;
  expect(written).toBeGreaterThan(1000);
  fs.unlinkSync(journalOf(root.path)("progress"));
  for (let at = 0; at < written; at += 37) {
    fs.writeFileSync(path, whole);
    damage(path, sealBytes + at, Buffer.from([(whole[sealBytes + at] as number) ^ 0x55]));
    expect(sequenceOf(root.path), `byte ${at} of ${written}`).toBe(1);
  }
  fs.writeFileSync(path, whole);
  expect(sequenceOf(root.path)).toBe(2);
});

test("a record that was in force and is damaged is reported, and nothing is touched", async () => {
  using root = TemporaryRoot.inMemory();
  await commitInSlot(root.path);
  damage(journalOf(root.path)("slots"), sealBytes + 300, Buffer.from("damage"));
  damage(join(root.path, "changed"), 0, Buffer.from("torn"));
  await noteLater(root.path);
  const error: unknown = await recoverAfterReboot(root.path).catch((reason: unknown) => reason);
  expect(isDraftError(error) && error.code).toBe("DRAFT_FORMAT_CORRUPT");
  expect(fs.readFileSync(join(root.path, "changed"), "utf8")).toMatch(/^torn/);
});

test("slots that nobody has sealed are not used", async () => {
  using root = TemporaryRoot.inMemory();
  await commitInSlot(root.path);
  fs.unlinkSync(journalOf(root.path)("progress"));
  damage(journalOf(root.path)("slots"), 0, Buffer.alloc(16));
  expect(sequenceOf(root.path)).toBe(1);
});

test.each([
  { how: "the disk is full", isWhole: true, code: "ENOSPC" },
  { how: "there is no syncfs", isWhole: false, code: undefined },
])("where slots cannot be made because $how, commits go on without", async ({ isWhole, code }) => {
  using root = TemporaryRoot.inMemory();
  fs.writeFileSync(join(root.path, "changed"), "0");
  let isMaking = false;
  class PoorDisk extends FaultDisk {
    override async syncfs(path: string): Promise<boolean> {
      return (await super.syncfs(path)) && isWhole;
    }
  }
  const disk = new PoorDisk(open(root.path, 1).disk, ({ name, path }) => {
    if (name === "open") isMaking = path?.endsWith("journal/slots.new") === true;
    const isRefused = name === "write" && isMaking && code !== undefined;
    return isRefused ? { kind: "error", code } : { kind: "none" };
  });
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  for (const text of ["1", "2", "3"]) {
    const changes = new ChangeBuilder(root.path).write("changed", text).build();
    expect((await commitChangeSet(store, changes)).counts.syncs).toBe(3);
  }
  await settleIfFree(store);
  expect(fs.readFileSync(journalOf(root.path)("progress"), "latin1")).toMatch(/^settled 3 /);
  expect(fs.existsSync(journalOf(root.path)("slots.new"))).toBe(false);
});

test("where a slot cannot be written, nothing is committed", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  let isOpen = false;
  const disk = new FaultDisk(open(root.path, 1).disk, ({ name, path }) => {
    if (name === "open") isOpen = path?.endsWith("journal/slots") === true;
    const isWrite = name === "write" && isOpen;
    return isWrite ? { kind: "error", code: "ENOSPC" } : { kind: "none" };
  });
  const changes = new ChangeBuilder(root.path).write("changed", "changed: new\n").build();
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  const error: unknown = await commitChangeSet(store, changes).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
  expect(fs.readFileSync(join(root.path, "changed"), "utf8")).toBe("changed: old\n");
  expect(sequenceOf(root.path)).toBe(1);
  await recover(root.path);
  expect(fs.readFileSync(join(root.path, "changed"), "utf8")).toBe("changed: old\n");
});

test("a commit that is taken back makes its pack durable first, which only the slot kept", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const disk = new FaultDisk(open(root.path, 1).disk, ({ name, path }) =>
    name === "rename" && path?.endsWith("/removed") === true
      ? { kind: "error", code: "EIO" }
      : { kind: "none" },
  );
  const changes = new ChangeBuilder(root.path)
    .write("changed", "changed: new\n")
    .write("removed", "replaced\n")
    .build();
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  const error: unknown = await commitChangeSet(store, changes).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
  expect(fs.readFileSync(join(root.path, "changed"), "utf8")).toBe("changed: old\n");
  const { calls } = disk;
  const decided = calls.findIndex(({ name }) => name === "fdatasync");
  // Once to be made while the slot is waited for, once to be made durable.
  const [made = -1, opened = -1] = calls.flatMap(({ name, path, index }) =>
    name === "open" && path?.endsWith("journal/2.pack") === true ? [index] : [],
  );
  const promoted = calls.findIndex(
    ({ name, path }) => name === "rename" && path?.endsWith("journal/current") === true,
  );
  const firstSync = calls.findIndex(({ name, index }) => name === "fsync" && index > opened);
  expect(decided).toBeGreaterThan(0);
  expect(made).toBeGreaterThan(decided);
  expect(firstSync).toBe(opened + 1);
  expect(promoted).toBeGreaterThan(firstSync);
});
