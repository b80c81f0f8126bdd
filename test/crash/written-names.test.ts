import fs from "node:fs";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff.ts";
import { NodeDisk } from "../../src/disk/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state-directory.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { recover } from "./commit-faults.ts";

/** A file of two names is written under one, and another file takes the place of the other. */
async function replaceOneName(
  root: string,
  faultAt: (call: DiskCall) => Fault,
): Promise<readonly DiskCall[]> {
  fs.writeFileSync(`${root}/a`, "of two names");
  fs.linkSync(`${root}/a`, `${root}/b`);
  fs.writeFileSync(`${root}/other`, "other");
  const layer = openLayer({ root });
  layer.fs.lstatSync(`${root}/b`);
  layer.fs.writeFileSync(`${root}/a`, "new");
  layer.fs.renameSync(`${root}/other`, `${root}/b`);
  const changes = diffLayer(layer);
  layer.close();
  const disk = new FaultDisk(new NodeDisk(), faultAt);
  const store = openCommitStore(disk, stateDirectoryOf(root));
  await commitChangeSet(store, changes).catch(() => undefined);
  return disk.calls;
}

test("a name that leaves a file which is written is given away, wherever that is cut off", async () => {
  using whole = TemporaryRoot.inMemory();
  const calls = await replaceOneName(whole.path, () => ({ kind: "none" }));
  const wanted = readTree(whole.path);
  expect(Object.keys(wanted)).toEqual(["a", "b"]);
  for (const { index } of calls.filter(({ changes }) => changes)) {
    using root = TemporaryRoot.inMemory();
    await replaceOneName(root.path, (call) => ({ kind: call.index === index ? "death" : "none" }));
    await recover(root.path);
    const found = readTree(root.path);
    if (Object.keys(found).length === 2) expect(found, `died at ${index}`).toEqual(wanted);
    else expect(fs.readFileSync(`${root.path}/b`, "utf8")).toBe("of two names");
  }
});
