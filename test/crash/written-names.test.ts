import fs from "node:fs";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { isPromotion, recover } from "./commit-faults.ts";

type Change = (layerFs: Layer["fs"], root: string) => void;

/** Commits a change of a tree with a file of two names, both of which were looked at. */
async function commitChange(
  root: string,
  change: Change,
  faultAt: (call: DiskCall) => Fault,
): Promise<readonly DiskCall[]> {
  fs.writeFileSync(`${root}/a`, "of two names");
  fs.linkSync(`${root}/a`, `${root}/b`);
  fs.writeFileSync(`${root}/other`, "other");
  const layer = openLayer({ root });
  layer.fs.lstatSync(`${root}/b`);
  change(layer.fs, root);
  const changeSet = diffLayer(layer);
  layer.close();
  const disk = new FaultDisk(new NodeDisk(), faultAt);
  const store = openCommitStore(disk, stateDirectoryOf(root));
  await commitChangeSet(store, changeSet).catch(() => undefined);
  return disk.calls;
}

const changes: Readonly<Record<string, Change>> = {
  "one is written, and another file takes the place of the other": (on, root) => {
    on.writeFileSync(`${root}/a`, "new");
    on.renameSync(`${root}/other`, `${root}/b`);
  },
  "one is written, and the other moved": (on, root) => {
    on.renameSync(`${root}/b`, `${root}/c`);
    on.writeFileSync(`${root}/a`, "new");
  },
  "one is written, and a third one takes the place of another file": (on, root) => {
    on.writeFileSync(`${root}/a`, "new");
    on.unlinkSync(`${root}/other`);
    on.linkSync(`${root}/a`, `${root}/other`);
  },
};

const faults: readonly Fault[] = [{ kind: "death" }, { kind: "error", code: "ENOSPC" }];

test.each(Object.entries(changes))(
  "of a file with two names %s: all or nothing, wherever that is cut off",
  async (_, change) => {
    using whole = TemporaryRoot.inMemory();
    const calls = await commitChange(whole.path, change, () => ({ kind: "none" }));
    const wanted = linesOf(whole.path);
    using untouched = TemporaryRoot.inMemory();
    await commitChange(untouched.path, change, () => ({ kind: "error", code: "EIO" }));
    const old = linesOf(untouched.path);
    expect(old).not.toEqual(wanted);
    const applying = calls.findIndex(isPromotion);
    for (const { index, name } of calls.slice(applying)) {
      for (const fault of name === "close" ? [] : faults) {
        using root = TemporaryRoot.inMemory();
        const faultAt = (call: DiskCall): Fault => (call.index === index ? fault : fine);
        await commitChange(root.path, change, faultAt);
        await recover(root.path);
        expect([old, wanted], `${fault.kind} at ${index}`).toContainEqual(linesOf(root.path));
      }
    }
  },
);

const fine: Fault = { kind: "none" };

function linesOf(root: string): [string, string][] {
  return Object.entries(readTree(root)).sort(([a], [b]) => (a < b ? -1 : 1));
}
