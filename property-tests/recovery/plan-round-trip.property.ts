import fs from "node:fs";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { commitPlanFile, planFileOf } from "../../src/commit/plan/plan-file.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { type Edit, oddEdit, tryEdit } from "../../test/commit/edits.ts";
import { TemporaryRoot } from "../../test/commit/scenario.ts";
import { readTree, type TreeLines } from "../../test/commit/tree.ts";
import { HastyDisk } from "../../test/recovery/history-fixture.ts";
import { fc } from "../../test/support/properties.ts";

const runs = { numRuns: Number(process.env["DRAFTFS_RUNS"] ?? 60) };

const story = fc.record({
  before: fc.array(oddEdit, { maxLength: 25 }),
  after: fc.array(oddEdit, { minLength: 1, maxLength: 25 }),
});

function apply(root: string, edits: readonly Edit[]): void {
  for (const step of edits) tryEdit(fs, root, step);
}

/** With times, where somebody has set them: those of writing are of each tree its own. */
function readAsOf(root: string, startedMs: number): TreeLines {
  const [first, last] = [(startedMs - 1000) * 1000, (Date.now() + 1000) * 1000];
  const lines = Object.entries(readTree(root, { times: true })).map(([path, line]) => [
    path,
    line.replace(/@(\d+)/, (time, us) =>
      first <= Number(us) && Number(us) <= last ? "@now" : time,
    ),
  ]);
  return Object.fromEntries(lines);
}

/** Files that were removed and put back are new inodes: groups of links are not made again. */
function withoutGroups(tree: TreeLines): TreeLines {
  return Object.fromEntries(
    Object.entries(tree).map(([path, line]) => [path, line.replace(/ = .*$/s, "")]),
  );
}

test("a plan file makes of another tree what the overlay shows, and undo makes of it the start", async () => {
  let applied = 0;
  await fc.assert(
    fc.asyncProperty(story, async ({ before, after }) => {
      using root = TemporaryRoot.inMemory();
      using other = TemporaryRoot.inMemory();
      using twin = TemporaryRoot.inMemory();
      const startedMs = Date.now();
      for (const { path } of [root, other, twin]) apply(path, before);
      const start = readTree(other.path, { times: true });
      apply(twin.path, after);

      const disk = new HastyDisk();
      const layer = openLayer({ root: root.path });
      for (const step of after) tryEdit(layer.fs as unknown as typeof fs, root.path, step);
      const changes = diffLayer(layer);
      const plan = JSON.stringify(planFileOf(disk, changes));
      layer.close();

      const store = openCommitStore(disk, stateDirectoryOf(other.path));
      await commitPlanFile(store, JSON.parse(plan));
      const wanted = readAsOf(twin.path, startedMs);
      expect(readAsOf(other.path, startedMs)).toEqual(wanted);
      await commitChangeSet(openCommitStore(disk, stateDirectoryOf(root.path)), changes);
      expect(readAsOf(root.path, startedMs)).toEqual(wanted);

      if (changes.changes.length === 0) return;
      applied += 1;
      await undo(store);
      expect(withoutGroups(readTree(other.path, { times: true }))).toEqual(withoutGroups(start));
    }),
    runs,
  );
  console.log(`${applied} plans with changes applied and undone`);
  expect(applied).toBeGreaterThan(runs.numRuns / 3);
});
