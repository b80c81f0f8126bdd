import fs from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { prepareCommit } from "../../src/commit/prepare.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { backgroundStagingMs, laterStagingMs, packedContentBytesMax } from "../../src/limits.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { isStoreSound, makeRoot, recover, treeOf } from "./commit-faults.ts";

afterEach(() => vi.restoreAllMocks());

const none: Fault = { kind: "none" };

function storeOf(root: string, faultAt: (call: DiskCall) => Fault = () => none) {
  const disk = new FaultDisk(new NodeDisk(), faultAt);
  return { disk, store: openCommitStore(disk, stateDirectoryOf(root)) };
}

function changesOf(root: string) {
  return new ChangeBuilder(root)
    .write("changed", "changed: new\n")
    .write("removed", "replaced\n")
    .build();
}

/** What an operation has left beside its records. */
function leftIn(root: string): string[] {
  return ["journal", "staging"].flatMap((directory) =>
    fs
      .readdirSync(join(root, ".draftfs", directory))
      .filter((name) => /pack$|commit-|next/.test(name)),
  );
}

/** The calls that make what is made only after the record is in its slot. */
async function rehearse(): Promise<DiskCall[]> {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const { disk, store } = storeOf(root.path);
  await commitChangeSet(store, changesOf(root.path));
  const decided = disk.calls.findIndex(({ name }) => name === "fdatasync");
  const makes = new Set(["mkdir", "chmod", "open"]);
  const isMade = ({ name, path = "" }: DiskCall): boolean =>
    makes.has(name) && /staging\/commit-2|journal\/2\.pack$/.test(path);
  return disk.calls.filter((call) => call.index > decided && isMade(call));
}

test("nothing is staged before the record is on its way to its slot", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const { disk, store } = storeOf(root.path);
  await commitChangeSet(store, changesOf(root.path));
  const decided = disk.calls.findIndex(({ name }) => name === "fdatasync");
  const made = disk.calls.findIndex(
    ({ name, path }) => name === "mkdir" && path?.endsWith("commit-2"),
  );
  const packed = disk.calls.findIndex(({ path }) => path?.endsWith("journal/2.pack"));
  expect(decided).toBeGreaterThan(0);
  expect(made).toBeGreaterThan(decided);
  expect(packed).toBeGreaterThan(decided);
});

test("where a file cannot be staged any more, the record is taken out of its slot", async () => {
  const points = await rehearse();
  expect(points.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["mkdir", "chmod", "open"]),
  );
  for (const point of points) {
    using root = TemporaryRoot.inMemory();
    await makeRoot(root.path, "slots");
    const before = treeOf(root.path);
    const { store } = storeOf(root.path, ({ index }) =>
      index === point.index ? { kind: "error", code: "ENOSPC" } : none,
    );
    const where = `${point.name} ${point.path}`;
    const error: unknown = await commitChangeSet(store, changesOf(root.path)).catch(
      (e: unknown) => e,
    );
    expect(error, where).toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
    expect(String(error), where).toContain("Nothing was changed");
    expect(treeOf(root.path), where).toEqual(before);
    expect(leftIn(root.path), where).toEqual([]);
    const next = storeOf(root.path).store;
    expect(next.journal.sequence(), where).toBe(1);
    expect(await recover(root.path), where).toMatchObject({ outcome: "clean" });
    const receipt = await commitChangeSet(next, changesOf(root.path));
    expect(receipt, where).toMatchObject({ sequence: 2, counts: { syncs: 1 } });
    expect(isStoreSound(root.path), where).toBe(true);
  }
});

test("a record is taken out again where no file can be opened any more", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const before = treeOf(root.path);
  let isExhausted = false;
  const { store } = storeOf(root.path, ({ name, path }) => {
    isExhausted ||= name === "open" && path?.includes("/staging/commit-2/") === true;
    return isExhausted && name === "open" ? { kind: "error", code: "ENFILE" } : none;
  });
  const failing = commitChangeSet(store, changesOf(root.path));
  await expect(failing).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
  expect(await recover(root.path)).toMatchObject({ outcome: "clean", sequence: 1 });
  expect(treeOf(root.path)).toEqual(before);
  expect(leftIn(root.path)).toEqual([]);
});

test("where the record cannot be taken out again either, the next open decides", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  let syncs = 0;
  const { store } = storeOf(root.path, ({ name, path }) => {
    if (name === "fdatasync" && syncs++ === 1) return { kind: "error", code: "EIO" };
    return name === "mkdir" && path?.endsWith("commit-2")
      ? { kind: "error", code: "EDQUOT" }
      : none;
  });
  const error: unknown = await commitChangeSet(store, changesOf(root.path)).catch(
    (e: unknown) => e,
  );
  expect(error).toMatchObject({ code: "DRAFT_OUTCOME_UNKNOWN" });
  expect(syncs).toBe(2);
  await recover(root.path);
  expect(fs.readFileSync(join(root.path, "changed"), "utf8")).toMatch(/^changed: (old|new)\n$/);
  expect(leftIn(root.path)).toEqual([]);
});

test("what is staged later than its record says bears the time of the record", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const startedMs = Date.now();
  const now = Date.now.bind(Date);
  let lateMs = 0;
  vi.spyOn(Date, "now").mockImplementation(() => now() + lateMs);
  const { store } = storeOf(root.path, ({ name, path }) => {
    if (name === "mkdir" && path?.endsWith("commit-2")) lateMs = 2 * backgroundStagingMs;
    return none;
  });
  // The clock of the file system goes on as it was, so a time that was set can be told.
  await new Promise((resolve) => setTimeout(resolve, 30));
  await commitChangeSet(store, changesOf(root.path));
  const { mtimeNs } = fs.statSync(join(root.path, "changed"), { bigint: true });
  expect(mtimeNs % 1_000_000n).toBe(0n);
  expect(mtimeNs).toBeGreaterThanOrEqual(BigInt(startedMs) * 1_000_000n);
});

test("files are staged by the umask that there is by then", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const { store } = storeOf(root.path);
  const changes = changesOf(root.path);
  const mode = fs.statSync(join(root.path, "changed")).mode & 0o777;
  expect(mode & 0o077).not.toBe(0);
  await using prepared = await prepareCommit(store, changes);
  const umask = process.umask(0o077);
  try {
    await prepared.publish();
  } finally {
    process.umask(umask);
  }
  expect(fs.statSync(join(root.path, "changed")).mode & 0o777).toBe(mode);
});

test("a record that was prepared long ago says anew when its files are staged", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const { store } = storeOf(root.path);
  await using prepared = await prepareCommit(store, changesOf(root.path));
  const now = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => now() + 10 * backgroundStagingMs);
  const publishedMs = Date.now();
  await prepared.publish();
  const stagedByMs = store.journal.read()?.stagedByMs ?? 0;
  expect(stagedByMs).toBeGreaterThan(publishedMs);
});

test("a record says no later time than its files can have, also where the clock is put back", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const { store } = storeOf(root.path);
  const now = Date.now.bind(Date);
  const clock = vi.spyOn(Date, "now").mockImplementation(() => now() + 3_600_000);
  await using prepared = await prepareCommit(store, changesOf(root.path));
  clock.mockImplementation(now);
  await prepared.publish();
  expect(store.journal.read()?.stagedByMs).toBeLessThanOrEqual(now() + laterStagingMs);
});

test("what somebody puts back soon after a commit that died is theirs", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  const changed = join(root.path, "changed");
  const old = fs.readFileSync(changed);
  // The last call: everything is in place, and nobody knows it.
  const { store } = storeOf(root.path, ({ name, path }) =>
    name === "open" && path?.endsWith("journal/progress") && !fs.readFileSync(changed).equals(old)
      ? { kind: "death" }
      : none,
  );
  await expect(commitChangeSet(store, changesOf(root.path))).rejects.toThrow();
  const { createdMs } = storeOf(root.path).store.journal.read() ?? { createdMs: 0 };
  fs.writeFileSync(changed, old);
  const soon = new Date(createdMs + 300);
  fs.utimesSync(changed, soon, soon);
  const report = await recover(root.path);
  expect(report.kept).toMatchObject([{ path: "changed" }]);
  expect(fs.readFileSync(changed)).toEqual(old);
});

test("what is staged before its record after all, which has no slot, is no younger than it", async () => {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, "slots");
  // The old content of it fits into no pack, and so the record into no slot.
  const file = join(root.path, "large");
  fs.writeFileSync(file, "");
  fs.truncateSync(file, packedContentBytesMax + 1);
  const { store } = storeOf(root.path);
  await commitChangeSet(store, new ChangeBuilder(root.path).write("large", "small\n").build());
  const record = store.journal.read();
  expect(record).toMatchObject({ sequence: 2 });
  expect(store.journal.look("").slot?.inForce).toBe(undefined);
  expect(record).not.toHaveProperty("stagedByMs");
  expect(Math.floor(fs.statSync(file).mtimeMs)).toBeLessThanOrEqual(record?.createdMs ?? 0);
});
