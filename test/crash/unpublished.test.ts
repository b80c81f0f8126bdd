import { expect, test } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { makeChanges, makeTree, TemporaryRoot } from "../commit/scenario.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { classify, disturb, isStoreSound, rehearse } from "./commit-faults.ts";

const fine: Fault = { kind: "none" };

/** No ref can be written. */
function refuseRefs({ path }: DiskCall): Fault {
  const isRef = path?.includes("/refs/") === true && path.endsWith(".lock");
  return isRef ? { kind: "error", code: "EACCES" } : fine;
}

function open(root: string, faultAt: (call: DiskCall) => Fault = () => fine) {
  return openCommitStore(new FaultDisk(new NodeDisk(), faultAt), stateDirectoryOf(root));
}

function sequences(root: string): number[] {
  return [...checkpoints(open(root).objects)].map(({ manifest }) => manifest.sequence);
}

const refusal = { code: "DRAFT_RECOVERY_FAILED", details: { unpublished: true } };

test("a commit whose checkpoint cannot be recorded stays, and is recorded as soon as it can be", async () => {
  const outcomes = await rehearse();
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  const receipt = await commitChangeSet(open(root.path, refuseRefs), makeChanges(root.path));
  expect(receipt.unpublished).toMatchObject({ code: "EACCES" });
  expect(classify(root.path, outcomes)).toBe("new");

  // As long as that is so, nothing is taken back and nothing is put on top.
  await expect(recoverJournal(open(root.path, refuseRefs))).rejects.toMatchObject(refusal);
  const next = new ChangeBuilder(root.path).create("next", "next\n").build();
  const refused = commitChangeSet(open(root.path, refuseRefs), next);
  await expect(refused).rejects.toMatchObject(refusal);
  expect(classify(root.path, outcomes)).toBe("new");
  expect(sequences(root.path)).toEqual([]);

  const second = await commitChangeSet(open(root.path), next);
  expect(second.unpublished).toBeUndefined();
  expect(sequences(root.path)).toEqual([second.sequence, receipt.sequence]);
  expect(isStoreSound(root.path)).toBe(true);
});

test("a recovery that cannot record the checkpoint finishes the tree and takes nothing back", async () => {
  const outcomes = await rehearse();
  using root = TemporaryRoot.inMemory();
  makeTree(root.path);
  // It dies when all steps are carried out.
  await disturb(root.path, ({ path, changes }) =>
    changes && path?.includes("checkpoints.git/objects/pack/") && path.endsWith(".pack")
      ? { kind: "death" }
      : fine,
  );
  await expect(recoverJournal(open(root.path, refuseRefs))).rejects.toMatchObject(refusal);
  expect(classify(root.path, outcomes)).toBe("new");
  await recoverJournal(open(root.path));
  expect(sequences(root.path)).toEqual([1]);
  expect(isStoreSound(root.path)).toBe(true);
});
