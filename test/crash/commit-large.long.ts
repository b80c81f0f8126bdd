import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { packedContentBytesMax } from "../../src/limits.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { FaultDisk } from "../support/fault-disk.ts";

const size = packedContentBytesMax + 4097;

function bytesOf(seed: number): Buffer {
  return Buffer.alloc(size, createHash("sha256").update(String(seed)).digest());
}

function open(root: string, disk = new FaultDisk(new NodeDisk())) {
  return openCommitStore(disk, stateDirectoryOf(root));
}

test("a commit of large files that dies anywhere is finished or dropped", async () => {
  using rehearsal = TemporaryRoot.inMemory();
  const make = (root: string) => {
    fs.writeFileSync(join(root, "replaced"), bytesOf(1));
    fs.writeFileSync(join(root, "removed"), bytesOf(2));
    fs.writeFileSync(join(root, "moved"), bytesOf(3));
    return new ChangeBuilder(root)
      .write("replaced", bytesOf(4))
      .remove("removed")
      .rename("moved", "arrived")
      .create("created", bytesOf(5))
      .build();
  };
  const read = (root: string) =>
    fs
      .readdirSync(root)
      .filter((name) => name !== ".draftfs")
      .map(
        (name) =>
          `${name} ${[1, 2, 3, 4, 5].find((seed) =>
            fs.readFileSync(join(root, name)).equals(bytesOf(seed)),
          )}`,
      );
  const disk = new FaultDisk(new NodeDisk());
  await commitChangeSet(open(rehearsal.path, disk), make(rehearsal.path));
  expect(read(rehearsal.path)).toEqual(["arrived 3", "created 5", "replaced 4"]);
  const points = disk.changes.filter(({ name }) => name !== "write" && name !== "lutimes");
  let finished = 0;
  for (const point of points) {
    using root = TemporaryRoot.inMemory();
    const changes = make(root.path);
    const dying = new FaultDisk(new NodeDisk(), ({ index }) =>
      index === point.index ? { kind: "death" } : { kind: "none" },
    );
    await commitChangeSet(open(root.path, dying), changes).catch(() => undefined);
    await recoverJournal(open(root.path));
    const found = read(root.path).join(", ");
    const old = "moved 3, removed 2, replaced 1";
    const wanted = "arrived 3, created 5, replaced 4";
    expect([old, wanted], `${point.index} ${point.name} ${point.path}`).toContain(found);
    if (found === wanted) finished += 1;
  }
  console.log(`died at ${points.length} points, finished after ${finished}`);
  expect(finished).toBeGreaterThan(3);
});
