import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";

/** A system without syncfs; it notes which files and directories are made durable. */
class PlainDisk extends NodeDisk {
  readonly synced: string[] = [];
  readonly #paths = new Map<number, string>();

  override open(path: string, flags: number, mode?: number): number {
    const descriptor = super.open(path, flags, mode);
    this.#paths.set(descriptor, path);
    return descriptor;
  }

  override async fsync(descriptor: number): Promise<void> {
    this.synced.push(this.#paths.get(descriptor)?.replace(/^.*\/\.draftfs\//, "") ?? "");
  }

  override async syncfs(): Promise<boolean> {
    return false;
  }
}

test.each([
  { durability: "full", isStagedSynced: true },
  { durability: "durable", isStagedSynced: false },
] as const)(
  "without syncfs, $durability makes staged files durable before they are seen: $isStagedSynced",
  async ({ durability, isStagedSynced }) => {
    using root = TemporaryRoot.inMemory();
    const disk = new PlainDisk();
    const changes = new ChangeBuilder(root.path).create("a", "a\n").create("b", "b\n").build();
    const store = openCommitStore(disk, stateDirectoryOf(root.path));
    const { counts } = await commitChangeSet(store, changes, { durability });
    const staged = ["staging/commit-1", "staging/commit-1/0", "staging/commit-1/1"];
    const found = disk.synced.filter((path) => path.startsWith("staging/")).sort();
    expect(found).toEqual(isStagedSynced ? staged : []);
    expect(counts.syncs).toBe(isStagedSynced ? 6 : 3);
  },
);
