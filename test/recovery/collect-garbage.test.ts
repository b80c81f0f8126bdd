import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { closeCommitStore, openCommitStore } from "../../src/commit/commit-store.ts";
import { prepareCommit } from "../../src/commit/prepare.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { identifyProcess, processNameOf } from "../../src/disk/process-identity.ts";
import { packedContentBytesMax } from "../../src/limits.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import { collectGarbage, isCollectionDue } from "../../src/recovery/collect-garbage.ts";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { noise, runGit } from "../objects/store-fixture.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { HastyDisk, HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

/** A history in which each operation changes, makes and deletes something. */
async function live(operations: number): Promise<void> {
  for (let index = 0; index < operations; index++) {
    await fixture.write({
      counter: `${index}\n`,
      [`made/${index}`]: `file ${index}\n${"filler ".repeat(200)}`,
      ...(index < 3 ? {} : { [`made/${index - 3}`]: undefined }),
    });
  }
}

test("gc leaves one smaller pack that git accepts, with the newest operations", async () => {
  await live(25);
  expect(isCollectionDue(fixture.store)).toBe(true);
  const report = await collectGarbage(fixture.store);
  expect(report).toMatchObject({
    outcome: "collected",
    kept: 10,
    pruned: 15,
    packsBefore: 25,
    packsAfter: 1,
  });
  expect(report.bytesAfter).toBeLessThan(report.bytesBefore / 4);
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  expect([...checkpoints(fixture.store.objects)].map(({ manifest }) => manifest.sequence)).toEqual([
    25, 24, 23, 22, 21, 20, 19, 18, 17, 16,
  ]);
  expect(
    fixture.git("log", "--format=%s", "refs/draftfs/operations").trim().split("\n"),
  ).toHaveLength(10);
  expect(isCollectionDue(fixture.store)).toBe(false);
  expect(await collectGarbage(fixture.store)).toMatchObject({ outcome: "nothing" });
});

test("what gc keeps can be undone to the last step, and then no further", async () => {
  await live(12);
  const trees = [fixture.snapshot()];
  await collectGarbage(fixture.store, { operations: 4 });
  for (let step = 0; step < 4; step++) {
    await undo(fixture.store, { durability: "none" });
    trees.push(fixture.snapshot());
  }
  expect(fixture.read("counter")).toBe("7\n");
  await expect(undo(fixture.store)).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
  for (let step = 3; step >= 0; step--) {
    await redo(fixture.store, { durability: "none" });
    expect(Object.keys(fixture.snapshot())).toEqual(Object.keys(trees[step] ?? {}));
  }
  await restore(fixture.store, { checkpoint: "10", durability: "none" });
  expect(fixture.read("counter")).toBe("9\n");
});

test("history goes on after gc, is collected again, and can be cloned", async () => {
  await live(6);
  await collectGarbage(fixture.store, { operations: 3 });
  await live(6);
  await collectGarbage(fixture.store, { operations: 3 });
  await live(2);
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  const clone = join(fixture.root, ".draftfs", "clone");
  runGit(["clone", "-q", fixture.state.checkpoints, clone]);
  expect(existsSync(join(clone, "counter"))).toBe(true);
  runGit(["-C", clone, "fsck", "--full", "--strict"]);
});

test("a cap on bytes prunes too, but never the newest operation", async () => {
  for (let index = 0; index < 5; index++) {
    await fixture.commit((fs, at) => fs.writeFileSync(at("big"), noise(100_000, index)));
  }
  await collectGarbage(fixture.store, { bytes: 250_000 });
  expect([...checkpoints(fixture.store.objects)]).toHaveLength(1);
  await collectGarbage(fixture.store, { bytes: 1 });
  expect([...checkpoints(fixture.store.objects)]).toHaveLength(1);
  await undo(fixture.store, { durability: "none" });
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
});

test("what a user's own ref or .keep file holds on to stays", async () => {
  await live(3);
  fixture.git("tag", "mine", "main");
  const tagged = fixture.git("rev-parse", "mine").trim();
  await live(8);
  const [kept] = fixture.store.objects.packBases();
  writeFileSync(`${kept}.keep`, "");
  await collectGarbage(fixture.store, { operations: 2 });
  expect(fixture.git("fsck", "--full", "--strict", "--no-dangling")).toBe("");
  expect(fixture.git("show", `${tagged}:counter`)).toBe("2\n");
  expect(existsSync(`${kept}.pack`)).toBe(true);
});

test("a store that git has repacked is collected as well", async () => {
  await live(8);
  fixture.git("gc", "-q");
  await live(3);
  await collectGarbage(fixture.store, { operations: 5 });
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  expect(readdirSync(join(fixture.state.checkpoints, "objects/pack")).sort()).toHaveLength(2);
  await undo(fixture.store, { count: 5, durability: "none" });
});

test("gc does not wait for a committer, and nothing is lost to it", async () => {
  await live(4);
  const before = readdirSync(join(fixture.state.checkpoints, "objects/pack")).sort();
  const { RootLock } = await import("../../src/commit/lock/lock.ts");
  const lock = await RootLock.take(fixture.store.disk, fixture.state);
  expect(await collectGarbage(fixture.store)).toMatchObject({ outcome: "busy" });
  lock.release();
  expect(readdirSync(join(fixture.state.checkpoints, "objects/pack")).sort()).toEqual(before);
});

test("a commit that happens while gc works is kept", async () => {
  await live(6);
  let commit: Promise<unknown> | undefined;
  const onProgress = (): void => {
    commit ??= fixture.write({ late: "1" });
  };
  const report = await collectGarbage(fixture.store, {
    operations: 3,
    lockWaitMs: 5000,
    onProgress,
  });
  await commit;
  expect(report.outcome).toBe("collected");
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  expect(fixture.read("late")).toBe("1");
  await undo(fixture.store, { count: 4, durability: "none" });
  expect(fixture.read("counter")).toBe("2\n");
});

test("what is brought back while gc is about to forget it stays", async () => {
  await fixture.write({ counter: "the first\n" });
  await live(4);
  const first = [...checkpoints(fixture.store.objects)].at(-1)?.id ?? "";
  let back: Promise<unknown> | undefined;
  const onProgress = (): void => {
    back ??= restore(fixture.store, { checkpoint: first, durability: "none" });
  };
  const options = { operations: 2, lockWaitMs: 5000 };
  const report = await collectGarbage(fixture.store, { ...options, onProgress });
  await back;
  expect(report.outcome).toBe("busy");
  expect(fixture.read("counter")).toBe("the first\n");
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  expect(await collectGarbage(fixture.store, options)).toMatchObject({ outcome: "collected" });
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  expect(fixture.git("show", "main:counter")).toBe("the first\n");
});

test("a reader that has looked before another process collects goes on reading", async () => {
  await live(6);
  const reader = new ObjectStore(fixture.store.disk, fixture.state.checkpoints);
  const [newest] = checkpoints(reader);
  reader.refresh();
  expect(reader.has(newest?.id ?? "")).toBe(true);
  await collectGarbage(fixture.store, { operations: 4 });
  expect([...checkpoints(reader)].map(({ manifest }) => manifest.sequence)).toEqual([6, 5, 4, 3]);
  reader.close();
});

test("an aborted gc leaves the store as it was", async () => {
  await live(4);
  const packs = join(fixture.state.checkpoints, "objects/pack");
  const before = readdirSync(packs).sort();
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(collectGarbage(fixture.store, { signal })).rejects.toThrow("enough");
  expect(readdirSync(packs).sort()).toEqual(before);
});

test("gc keeps the large content that a commit needs which came in between", async () => {
  await live(3);
  const large = Buffer.alloc(packedContentBytesMax + 1, "large ");
  writeFileSync(join(fixture.root, "large"), large);
  const changes = new ChangeBuilder(fixture.root).write("large", "small now\n").build();
  const prepared = await prepareCommit(fixture.store, changes);
  // It has chosen what to keep by the time that it waits for the lock.
  const collection = collectGarbage(openCommitStore(new NodeDisk(), fixture.store.state), {
    lockWaitMs: 10_000,
  });
  await prepared.publish();
  expect((await collection).outcome).toBe("collected");
  await undo(fixture.store);
  expect(readFileSync(join(fixture.root, "large")).equals(large)).toBe(true);
});

test("anomalyco/opencode#15977: what commits leave that were taken back goes, without any other too", async () => {
  const failing = async (index: number): Promise<void> => {
    const refusing = new FaultDisk(new HastyDisk(), ({ name, path }) => {
      const isLast = name === "mkdir" && path?.endsWith("/z") === true;
      return isLast ? { kind: "error", code: "EBUSY" } : { kind: "none" };
    });
    const changes = new ChangeBuilder(fixture.root).create("new", `${index}`).createDirectory("z");
    const attempt = commitChangeSet(fixture.reopen(refusing), changes.build());
    await expect(attempt).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
  };
  for (let index = 0; index < 3; index++) await failing(index);
  const nothing = { kept: 0, pruned: 0, packsBefore: 3, packsAfter: 0, bytesAfter: 0 };
  expect(await collectGarbage(fixture.reopen())).toMatchObject({
    outcome: "collected",
    ...nothing,
  });
  expect(await collectGarbage(fixture.store)).toMatchObject({ outcome: "nothing", kept: 0 });
  expect((await verifyStore(fixture.store)).problems).toEqual([]);
  await failing(3);
  fixture.reopen();
  await fixture.write({ good: "1" });
  expect(await collectGarbage(fixture.store)).toMatchObject({ kept: 1, packsAfter: 1 });
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  await undo(fixture.store, { durability: "none" });
  expect(existsSync(join(fixture.root, "good"))).toBe(false);
});

test("gc removes what dead processes have left of locks and packs, and nothing of live ones", async () => {
  await live(3);
  closeCommitStore(fixture.store);
  const { state, objects, disk } = fixture.store;
  const self = identifyProcess(disk);
  const dead = { ...self, startTime: "1" };
  const unseen = { ...dead, pidNamespace: "pid:[1]" };
  const draft = join(state.drafts, "one");
  mkdirSync(draft, { recursive: true });
  for (const place of [state.path, draft]) {
    for (const [name, holder] of Object.entries({ self, dead, unseen })) {
      const content = JSON.stringify({ ...holder, token: name });
      writeFileSync(join(place, `lock.${name}.new`), content);
      // A right to replace a holder that has been replaced by another one meanwhile.
      writeFileSync(join(place, `lock.${name}`), content);
    }
    writeFileSync(join(place, "lock.empty.new"), "");
  }
  const [pid = "", startTime = "", ...rest] = processNameOf(disk).split("-");
  const packs = join(objects.path, "objects", "pack");
  const packOf = (...words: string[]) => join(packs, `tmp_pack_${words.join("-")}_0123456789ab`);
  const left = packOf(pid, "1", ...rest);
  const theirs = packOf(pid, startTime, "1", ...rest.slice(1));
  const beside = ["idx", "pack"].map((end) => join(packs, `pack-${"a".repeat(40)}.${end}.new`));
  for (const path of [left, theirs, ...beside]) writeFileSync(path, "");
  expect(await collectGarbage(fixture.store)).toMatchObject({ outcome: "collected" });
  for (const place of [state.path, draft]) {
    const names = readdirSync(place).filter((name) => name.startsWith("lock."));
    // Nobody holds the lock of the draft: there such a right may be one that counts.
    const rights = place === draft ? ["lock.dead"] : [];
    expect(names.sort()).toEqual([
      ...rights,
      ...["lock.empty.new", "lock.self", "lock.self.new", "lock.unseen", "lock.unseen.new"],
    ]);
  }
  const remain = [left, theirs, ...beside].map((path) => existsSync(path));
  expect(remain).toEqual([false, true, false, false]);
});
