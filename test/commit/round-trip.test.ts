import fs from "node:fs";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { takeBack } from "../../src/commit/recover/take-back.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { recover } from "../crash/commit-faults.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { fc } from "../support/properties.ts";
import { type Edit, edit, tryEdit } from "./edits.ts";
import { TemporaryRoot } from "./scenario.ts";
import { readTree, type TreeLines } from "./tree.ts";

const runs = { numRuns: Number(process.env["DRAFTFS_RUNS"] ?? 80) };

/** A start and what is done to it, over an overlay and over a real copy. */
const story = fc.record({
  before: fc.array(edit, { maxLength: 25 }),
  after: fc.array(edit, { minLength: 1, maxLength: 25 }),
});

interface Story {
  readonly before: readonly Edit[];
  readonly after: readonly Edit[];
}

function prepare(root: string, twin: string, { before, after }: Story) {
  for (const step of before) {
    tryEdit(fs, root, step);
    tryEdit(fs, twin, step);
  }
  const old = readTree(root);
  const layer = openLayer({ root });
  for (const step of after) {
    const worked = tryEdit(fs, twin, step);
    expect(tryEdit(layer.fs as unknown as typeof fs, root, step), JSON.stringify(step)).toBe(
      worked,
    );
  }
  return { old, wanted: readTree(twin), layer };
}

function open(root: string, disk = new FaultDisk(new NodeDisk())) {
  return openCommitStore(disk, stateDirectoryOf(root));
}

test("what an overlay shows is what its commit leaves, and taking it back leaves the start", async () => {
  await fc.assert(
    fc.asyncProperty(story, async (told) => {
      using root = TemporaryRoot.inMemory();
      using twin = TemporaryRoot.inMemory();
      const { old, wanted, layer } = prepare(root.path, twin.path, told);
      const store = open(root.path);
      await commitChangeSet(store, diffLayer(layer));
      layer.close();
      expect(readTree(root.path)).toEqual(wanted);

      const record = store.journal.read();
      if (record === undefined) throw new Error("a commit leaves a record");
      await takeBack(store, record, record.steps.length, { mayBeTorn: false, distrust: false });
      expect(withoutGroups(readTree(root.path))).toEqual(withoutGroups(old));
    }),
    runs,
  );
});

test("a commit of anything that dies anywhere is finished or dropped by the next recovery", async () => {
  await fc.assert(
    fc.asyncProperty(story, fc.nat({ max: 99 }), async (told, percent) => {
      using root = TemporaryRoot.inMemory();
      using twin = TemporaryRoot.inMemory();
      const { wanted, layer } = prepare(root.path, twin.path, told);
      const changes = diffLayer(layer);
      layer.close();
      // Most of the calls come before the decision; a death among the last ones is worth more.
      const rest = changes.changes.length * 2 + 12;
      const start = Math.floor((rest * percent) / 100);
      let decided = -1;
      const disk = new FaultDisk(new NodeDisk(), (call) => {
        if (decided >= 0 && call.changes && decided++ === start) return { kind: "death" };
        if (call.name === "rename" && call.path?.endsWith("journal/current")) decided = 0;
        return { kind: "none" };
      });
      await commitChangeSet(open(root.path, disk), changes).catch(() => undefined);
      await recover(root.path);
      expect(readTree(root.path)).toEqual(wanted);
      await recover(root.path);
      expect(readTree(root.path)).toEqual(wanted);
    }),
    runs,
  );
});

/** Files that were removed and put back are new inodes: groups of links are not made again. */
function withoutGroups(tree: TreeLines): TreeLines {
  return Object.fromEntries(
    Object.entries(tree).map(([path, line]) => [path, line.replace(/ = .*$/s, "")]),
  );
}

test("two names of one file stay told apart when one of them is removed", async () => {
  using root = TemporaryRoot.inMemory();
  using twin = TemporaryRoot.inMemory();
  const { wanted, layer } = prepare(root.path, twin.path, {
    before: [
      { kind: "write", path: "a", text: "" },
      { kind: "link", from: "a", path: "b" },
    ],
    after: [
      { kind: "remove", path: "a" },
      { kind: "rename", from: "a", path: "b" },
    ],
  });
  await commitChangeSet(open(root.path), diffLayer(layer));
  layer.close();
  expect(readTree(root.path)).toEqual(wanted);
});
