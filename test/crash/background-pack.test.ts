import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { noise } from "../objects/store-fixture.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { commit, isStoreSound, recover } from "./commit-faults.ts";

const names = ["a", "b", "c"];
const fileBytes = 700_000;
const fine: Fault = { kind: "none" };

/** A pack of four MiB: what is new, and what it replaces. */
function prepare(root: string): ChangeSet {
  const builder = new ChangeBuilder(root);
  for (const [index, name] of names.entries()) {
    fs.writeFileSync(join(root, name), noise(fileBytes, index));
    builder.write(name, noise(fileBytes, index + names.length));
  }
  return builder.build();
}

/** Tries the commit with a fault, and recovers. */
async function attempt(fault: (call: DiskCall) => Fault) {
  using root = TemporaryRoot.inMemory();
  const changes = prepare(root.path);
  const old = readTree(root.path);
  const disk = new FaultDisk(new NodeDisk(), fault);
  const error = await commit(disk, root.path, changes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await recover(root.path);
  const isOld = JSON.stringify(readTree(root.path)) === JSON.stringify(old);
  const isNew = names.every((name, index) =>
    fs.readFileSync(join(root.path, name)).equals(noise(fileBytes, index + names.length)),
  );
  const isWhole = isStoreSound(root.path);
  return { error, isOld, isNew, isWhole, calls: disk.calls };
}

test("a pack that is written beside the commit is there, or the commit is not", async () => {
  const { calls, error, isNew } = await attempt(() => fine);
  expect({ error, isNew }).toEqual({ error: undefined, isNew: true });
  const writes = calls.filter(({ name }) => name === "writeInBackground");
  expect(writes.length).toBeGreaterThan(2);
  for (const { index } of writes) {
    for (const fault of [{ kind: "error", code: "ENOSPC" }, { kind: "death" }] as const) {
      const found = await attempt((call) => (call.index === index ? fault : fine));
      expect(found, `${fault.kind} at ${index}`).toMatchObject({ isOld: true, isWhole: true });
      expect(found.error, `${fault.kind} at ${index}`).toMatchObject(
        fault.kind === "death" ? {} : { code: "DRAFT_COMMIT_FAILED" },
      );
    }
  }
});
