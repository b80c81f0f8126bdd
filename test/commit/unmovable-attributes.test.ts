import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import type { Disk, DiskAttributes } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { canMountLayers, LayeredRoot } from "../support/layered-root.ts";
import { StiffDisk } from "../support/stiff-disk.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";

const store = (disk: Disk, root: string) => openCommitStore(disk, stateDirectoryOf(root));
const rename = (root: string) => new ChangeBuilder(root).rename("src", "lib").build();

function fill(root: string): void {
  fs.mkdirSync(join(root, "src/deep"), { recursive: true });
  fs.writeFileSync(join(root, "src/deep/file"), "file\n");
  for (const name of ["src", "src/deep"]) {
    execFileSync("setfattr", ["-n", "user.of", "-v", name, join(root, name)]);
  }
}

/** The attributes that a path has, by name. */
function attributesOf(root: string, path: string): Record<string, string> {
  const found = new NodeDisk().attributes?.read(join(root, path)) ?? [];
  return Object.fromEntries(
    [...found].map(([name, value]) => [name, Buffer.from(value).toString()]),
  );
}

function canSetAttributes(): boolean {
  using root = TemporaryRoot.inMemory();
  const { status, error } = spawnSync("setfattr", ["-n", "user.test", "-v", "x", root.path]);
  const canRead = new NodeDisk().attributes?.read(root.path)?.has("user.test") === true;
  if (!canRead) {
    const reason =
      error?.message ?? (status === 0 ? "no native calls" : "the file system has none");
    console.log(`tests of extended attributes are skipped here: ${reason}`);
  }
  return canRead;
}

/** {@link FaultDisk} over a stiff one, with the attributes of that. */
class FaultyStiffDisk extends FaultDisk {
  readonly attributes: DiskAttributes | undefined;

  constructor(faultAt?: (call: DiskCall) => Fault) {
    const disk = new StiffDisk();
    super(disk, faultAt);
    this.attributes = disk.attributes;
  }
}

describe.runIf(canSetAttributes())("a directory that is made anew because it cannot move", () => {
  const moved = (root: string) => ["lib", "lib/deep"].map((path) => attributesOf(root, path));
  const unmoved = (root: string) => ["src", "src/deep"].map((path) => attributesOf(root, path));
  const both = [{ "user.of": "src" }, { "user.of": "src/deep" }];

  it("has the extended attributes of the old one, and so it is when that is undone", async () => {
    using root = TemporaryRoot.inMemory();
    fill(root.path);
    const receipt = await commitChangeSet(store(new StiffDisk(), root.path), rename(root.path));
    expect(receipt.warnings).toEqual([]);
    expect(moved(root.path)).toEqual(both);
    await undo(store(new StiffDisk(), root.path), {});
    expect(unmoved(root.path)).toEqual(both);
  });

  it("tells of those that it could not be given", async () => {
    using root = TemporaryRoot.inMemory();
    fill(root.path);
    const disk = new (class extends StiffDisk {
      override get attributes() {
        const { attributes } = new NodeDisk();
        return attributes && { ...attributes, write: () => false };
      }
    })();
    const { warnings } = await commitChangeSet(store(disk, root.path), rename(root.path));
    expect(warnings).toMatchObject([
      { path: "lib", check: "attributes", message: expect.stringContaining("user.of") },
      { path: "lib/deep", check: "attributes", message: expect.stringContaining("user.of") },
    ]);
  });

  it("has them wherever the process dies, in the old place or the new one", async () => {
    const seen = { old: 0, new: 0 };
    const count = async (faultAt?: (call: DiskCall) => Fault) => {
      using root = TemporaryRoot.inMemory();
      fill(root.path);
      const disk = new FaultyStiffDisk(faultAt);
      try {
        await commitChangeSet(store(disk, root.path), rename(root.path));
      } catch (error) {
        // Whatever a dead process is told on its way out.
        if (faultAt === undefined) throw error;
      }
      await recoverJournal(store(new StiffDisk(), root.path));
      const isNew = fs.existsSync(join(root.path, "lib"));
      expect(fs.existsSync(join(root.path, "src"))).toBe(!isNew);
      expect((isNew ? moved : unmoved)(root.path)).toEqual(both);
      seen[isNew ? "new" : "old"]++;
      return disk.changes.length;
    };
    const changes = await count();
    for (let at = 0; at < changes; at++) {
      let number = 0;
      await count(({ changes: isChange }) =>
        isChange && number++ === at ? { kind: "death" } : { kind: "none" },
      );
    }
    expect(seen.old).toBeGreaterThan(5);
    expect(seen.new).toBeGreaterThan(5);
  });

  it("has them at its old place when the commit fails in the middle", async () => {
    using root = TemporaryRoot.inMemory();
    fill(root.path);
    let isFirst = true;
    const once = new FaultyStiffDisk((call) => {
      const isDeep = call.name === "mkdir" && call.path?.endsWith("/deep") === true;
      if (!isDeep || !isFirst) return { kind: "none" };
      isFirst = false;
      return { kind: "error", code: "ENOSPC" };
    });
    await expect(commitChangeSet(store(once, root.path), rename(root.path))).rejects.toMatchObject({
      code: "DRAFT_COMMIT_FAILED",
    });
    expect(fs.existsSync(join(root.path, "lib"))).toBe(false);
    expect(unmoved(root.path)).toEqual(both);
  });

  it.runIf(canMountLayers())("has them on a real overlayfs, those of root too", async () => {
    using root = new LayeredRoot((lower) => {
      fill(lower);
      execFileSync("setfattr", ["-n", "trusted.own", "-v", "root's", join(lower, "src")]);
    });
    const changes = rename(root.path);
    const receipt = await commitChangeSet(store(new NodeDisk(), root.path), changes);
    expect(receipt.warnings).toEqual([]);
    expect(moved(root.path)).toEqual([{ "user.of": "src", "trusted.own": "root's" }, both[1]]);
    expect(fs.readFileSync(join(root.path, "lib/deep/file"), "utf8")).toBe("file\n");
  });
});
