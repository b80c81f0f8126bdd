import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { settleIfFree } from "../../src/commit/journal/settle.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { makeChanges, TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import {
  classify,
  disturb,
  isPromotion,
  isStoreSound,
  type JournalForm,
  makeRoot,
  recover,
  rehearse,
  stagedInStore,
} from "./commit-faults.ts";

const forms: readonly JournalForm[] = ["files", "slots"];

test.each(forms)(
  "a commit by %s that dies before any one of its changes leaves the old tree or the new one",
  async (form) => {
    const outcomes = await rehearse({}, form);
    const points = outcomes.calls.filter((call) => call.changes);
    const seen = { old: 0, new: 0 };
    for (const [nth, point] of points.entries()) {
      using root = TemporaryRoot.inMemory();
      await makeRoot(root.path, form);
      await disturb(root.path, ({ index }) =>
        index === point.index ? { kind: "death" } : { kind: "none" },
      );
      await recover(root.path);
      const outcome = classify(root.path, outcomes);
      expect(["old", "new"], `${point.index} ${point.name} ${point.path}: ${outcome}`).toContain(
        outcome,
      );
      seen[outcome as "old" | "new"] += 1;
      expect(stagedInStore(root.path), `${point.index} ${point.name} ${point.path}`).toEqual([]);
      const settled = readTree(root.path, { times: true });
      await recover(root.path);
      expect(readTree(root.path, { times: true })).toEqual(settled);
      if (nth % 8 === 0) expect(isStoreSound(root.path)).toBe(true);
    }
    console.log(`died at ${points.length} points: ${seen.old} old, ${seen.new} new`);
    // All but the lock comes after the slot is written.
    expect(seen.old).toBeGreaterThan(form === "slots" ? 3 : 10);
    expect(seen.new).toBeGreaterThan(10);
  },
);

test.each(forms)(
  "recovery of a commit by %s that dies before any one of its changes is finished by the next one",
  async (form) => {
    const outcomes = await rehearse({}, form);
    const points = outcomes.calls.filter((call) => call.changes);
    const promotion = points.findIndex(isPromotion);
    let tried = 0;
    // One death early, one in the middle and one late among the steps of the commit itself.
    for (const share of [0.15, 0.7]) {
      const at = points[promotion + Math.floor((points.length - promotion) * share)];
      for (let skip = 0; ; skip++) {
        using root = TemporaryRoot.inMemory();
        await makeRoot(root.path, form);
        await disturb(root.path, ({ index }) =>
          index === at?.index ? { kind: "death" } : { kind: "none" },
        );
        let changes = 0;
        const disk = new FaultDisk(new NodeDisk(), (call) =>
          call.changes && changes++ === skip ? { kind: "death" } : { kind: "none" },
        );
        const died = await recover(root.path, disk).then(
          () => false,
          () => true,
        );
        await recover(root.path);
        expect(classify(root.path, outcomes), `death ${at?.index}, then ${skip}`).toBe("new");
        tried += 1;
        if (!died) break;
      }
    }
    console.log(`interrupted recovery at ${tried} points`);
    expect(tried).toBeGreaterThan(20);
  },
);

test("what a first commit has left that died before its record goes with the next one", async () => {
  const { calls } = await rehearse();
  const points = calls.filter((call) => call.changes);
  const died = points[points.findIndex(isPromotion)];
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path);
  await disturb(root.path, ({ index }) =>
    index === died?.index ? { kind: "death" } : { kind: "none" },
  );
  const leftIn = (directory: string): string[] =>
    fs.readdirSync(join(root.path, ".draftfs", directory));
  expect(leftIn("staging")).toEqual(["commit-1"]);
  const store = openCommitStore(new NodeDisk(), stateDirectoryOf(root.path));
  const receipt = await commitChangeSet(store, makeChanges(root.path));
  await settleIfFree(store);
  expect(receipt.sequence).toBe(1);
  expect(leftIn("staging")).toEqual([]);
  expect(leftIn("journal").filter((name) => /pack$|next/.test(name))).toEqual([]);
});
