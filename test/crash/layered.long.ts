import { expect, test } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { makeChanges, makeTree } from "../commit/scenario.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { canMountLayers, LayeredRoot, type Layering } from "../support/layered-root.ts";
import { classify, commit, disturb, type Outcomes, recover, treeOf } from "./commit-faults.ts";

const layerings: readonly Layering[] = [{}, { isApart: true, options: "xino=off" }];

async function rehearse(layering: Layering): Promise<Outcomes> {
  using root = new LayeredRoot(makeTree, layering);
  const old = treeOf(root.path);
  const disk = new FaultDisk(new NodeDisk());
  await commit(disk, root.path, makeChanges(root.path));
  return { old, new: treeOf(root.path), calls: disk.calls };
}

/** Every so many of the points are tried, others by each test; all in the exhaustive suite. */
const stride = Number(process.env["DRAFTFS_POINTS_STRIDE"] ?? "1");
let tests = 0;

function pointsOf({ calls }: Outcomes): DiskCall[] {
  const first = tests++ % stride;
  return calls.filter(({ changes }) => changes).filter((_, nth) => nth % stride === first);
}

/** Names of one file of the image part before a commit is decided: the old tree may have such. */
function outcomeOf(root: string, outcomes: Outcomes): string {
  const exact = classify(root, outcomes);
  return exact !== "new" && classify(root, outcomes, true) === "old" ? "old" : exact;
}

async function sweep(layering: Layering, fault: Fault, remounts: boolean) {
  const outcomes = await rehearse(layering);
  const seen = { old: 0, new: 0 };
  for (const point of pointsOf(outcomes)) {
    using root = new LayeredRoot(makeTree, layering);
    await disturb(root.path, ({ index }) => (index === point.index ? fault : { kind: "none" }));
    if (remounts) root.remount();
    const { kept } = await recover(root.path);
    const outcome = outcomeOf(root.path, outcomes);
    const where = `${point.index} ${point.name} ${point.path}: ${outcome}`;
    expect(["old", "new"], where).toContain(outcome);
    expect(kept, where).toEqual([]);
    seen[outcome as "old" | "new"] += 1;
  }
  console.log(JSON.stringify(seen));
  expect(seen.old).toBeGreaterThan(10);
  expect(seen.new).toBeGreaterThan(10);
}

test.runIf(canMountLayers()).each(layerings)(
  "a commit on an overlayfs that dies before any one of its changes is all or none: %o",
  async (layering) => await sweep(layering, { kind: "death" }, false),
  120_000,
);

test.runIf(canMountLayers()).each(layerings)(
  "and after the container was restarted: %o",
  async (layering) => await sweep(layering, { kind: "death" }, true),
  120_000,
);

test.runIf(canMountLayers()).each(layerings)(
  "a commit on an overlayfs that meets an error at any one of its changes is all or none: %o",
  async (layering) => {
    const outcomes = await rehearse(layering);
    for (const point of pointsOf(outcomes)) {
      using root = new LayeredRoot(makeTree, layering);
      const error = await disturb(root.path, ({ index }) =>
        index === point.index ? { kind: "error", code: "EIO" } : { kind: "none" },
      );
      const { kept } = await recover(root.path);
      const outcome = classify(root.path, outcomes, true);
      const where = `${point.index} ${point.name} ${point.path}: ${outcome}, ${error}`;
      expect(["old", "new"], where).toContain(outcome);
      expect(kept, where).toEqual([]);
    }
  },
  120_000,
);
