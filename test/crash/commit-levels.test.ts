import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { isDraftError } from "../../src/errors.ts";
import { makeChanges, makeTree, TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { classify, commit, disturb, recover, rehearse } from "./commit-faults.ts";

const fine: Fault = { kind: "none" };

function detailsOf(error: unknown): Readonly<Record<string, unknown>> {
  if (!isDraftError(error)) throw error;
  return { code: error.code, ...error.details };
}

function recoverWith(root: string, faultAt: (call: DiskCall) => Fault) {
  const disk = new FaultDisk(new NodeDisk(), faultAt);
  return recoverJournal(openCommitStore(disk, stateDirectoryOf(root)));
}

/** Dies in the middle of the apply phase. */
async function dieApplying(root: string): Promise<void> {
  let isDecided = false;
  let steps = 0;
  await disturb(root, (call) => {
    const isStep = call.changes && call.path?.includes("/.draftfs/") === false;
    if (isDecided && isStep && steps++ === 6) return { kind: "death" };
    if (call.name === "rename" && call.path?.endsWith("journal/current")) isDecided = true;
    return fine;
  });
}

test("operation_failure: what fails before the decision changes nothing and says what helps", async () => {
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  const before = readTree(root.path, { times: true });
  const error = await disturb(root.path, (call) =>
    call.name === "write" && call.index > 100 ? { kind: "error", code: "ENOSPC" } : fine,
  );
  expect(detailsOf(error)).toMatchObject({
    code: "DRAFT_COMMIT_FAILED",
    level: "operation_failure",
    help: "The disk is full; free some space.",
  });
  expect(readTree(root.path, { times: true })).toEqual(before);
  expect(fs.readdirSync(join(root.path, ".draftfs/staging"))).toEqual([]);
});

test("transaction_failure: a step that fails for good takes the whole commit back", async () => {
  const outcomes = await rehearse();
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  let failing = "";
  const error = await disturb(root.path, (call) => {
    if (call.name === "rename" && call.path?.endsWith("/executable")) failing = call.path;
    return failing !== "" && call.path === failing ? { kind: "error", code: "EACCES" } : fine;
  });
  expect(detailsOf(error)).toMatchObject({
    code: "DRAFT_COMMIT_FAILED",
    level: "transaction_failure",
    step: "install",
  });
  expect(classify(root.path, outcomes)).toBe("old");
});

test("after a commit was taken back, the same commit succeeds", async () => {
  const outcomes = await rehearse();
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  const changes = makeChanges(root.path);
  let isFaulty = true;
  const disk = new FaultDisk(new NodeDisk(), (call) =>
    isFaulty && call.name === "mkdir" && call.path?.endsWith("/empty")
      ? { kind: "error", code: "ENOSPC" }
      : fine,
  );
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  const { commitChangeSet } = await import("../../src/commit/commit.ts");
  await expect(commitChangeSet(store, changes)).rejects.toMatchObject({
    code: "DRAFT_COMMIT_FAILED",
  });
  expect(classify(root.path, outcomes)).toBe("old");
  isFaulty = false;
  await commitChangeSet(store, changes);
  expect(classify(root.path, outcomes)).toBe("new");
});

test("a disk that is full from the decision on still lets the commit be taken back", async () => {
  const outcomes = await rehearse();
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  let isFull = false;
  let stagedRemoved = 0;
  const error = await disturb(root.path, (call) => {
    if (call.name === "mkdir" && call.path?.endsWith("/empty")) isFull = true;
    // Room comes back when something is removed, as on a disk.
    if (isFull && call.name === "unlink" && call.path?.includes("/commit-1/")) stagedRemoved += 1;
    const needsRoom = call.name === "mkdir" || call.name === "write";
    return isFull && needsRoom && stagedRemoved === 0 ? { kind: "error", code: "ENOSPC" } : fine;
  });
  expect(detailsOf(error)).toMatchObject({ level: "transaction_failure" });
  expect(stagedRemoved).toBeGreaterThan(0);
  expect(classify(root.path, outcomes)).toBe("old");
});

test("system_failure: what cannot be finished is tried three times, then taken back", async () => {
  const outcomes = await rehearse();
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  await dieApplying(root.path);
  let refusals = 0;
  const report = await recoverWith(root.path, (call) => {
    const isRefused = call.name === "mkdir" && call.path?.endsWith("/empty");
    if (isRefused) refusals += 1;
    return isRefused ? { kind: "error", code: "EACCES" } : fine;
  });
  expect(refusals).toBe(3);
  expect(report).toMatchObject({ outcome: "taken-back", level: "system_failure" });
  expect(report.attempted).toHaveLength(4);
  expect(classify(root.path, outcomes)).toBe("old");
});

test("system_failure: where neither works the error says so, and the next recovery goes on", async () => {
  const outcomes = await rehearse();
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  await dieApplying(root.path);
  const error = await recoverWith(root.path, (call) =>
    call.changes && call.path !== undefined && !call.path.includes(".draftfs")
      ? { kind: "error", code: "EROFS" }
      : fine,
  ).catch((reason: unknown) => reason);
  expect(detailsOf(error)).toMatchObject({
    code: "DRAFT_RECOVERY_FAILED",
    level: "system_failure",
    leftToPerson: ["mend the cause, then run draftfs recover"],
  });
  await recover(root.path);
  expect(["old", "new"]).toContain(classify(root.path, outcomes));
});

test("critical_failure: a damaged record or pack stops everything before anything is touched", async () => {
  for (const name of ["current", "1.pack"]) {
    using root = TemporaryRoot.inMemory();
    makeTree(root.path);
    await dieApplying(root.path);
    const path = join(root.path, ".draftfs/journal", name);
    const bytes = fs.readFileSync(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    fs.writeFileSync(path, bytes);
    const before = readTree(root.path, { times: true });
    const error = await recover(root.path).catch((reason: unknown) => reason);
    expect(detailsOf(error)).toMatchObject({ level: "critical_failure" });
    expect(readTree(root.path, { times: true })).toEqual(before);
    const changes = commit(
      new FaultDisk(new NodeDisk()),
      root.path,
      makeChangesOfAnything(root.path),
    );
    await expect(changes).rejects.toMatchObject({ details: { level: "critical_failure" } });
  }
});

function makeChangesOfAnything(root: string) {
  return { root, changes: [] };
}

test("what somebody wrote after the crash is kept, and the committed version is saved beside", async () => {
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  let isDecided = false;
  await disturb(root.path, (call) => {
    if (isDecided && call.changes) return { kind: "death" };
    if (call.name === "fsync" && isDecided) return fine;
    if (call.name === "rename" && call.path?.endsWith("journal/current")) isDecided = true;
    return fine;
  });
  fs.writeFileSync(join(root.path, "changed"), "written by somebody after the crash\n");
  const report = await recoverWith(root.path, () => fine);
  expect(fs.readFileSync(join(root.path, "changed"), "utf8")).toContain("somebody");
  expect(report.kept).toEqual([
    { path: "changed", step: "install", savedAs: ".draftfs/conflicts/1/changed" },
  ]);
  expect(report.leftToPerson).toHaveLength(1);
  const saved = join(root.path, ".draftfs/conflicts/1/changed");
  expect(fs.readFileSync(saved, "utf8")).toBe("changed: new, and longer\n");
});
