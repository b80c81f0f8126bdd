import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { Directories } from "../../src/commit/directories.ts";
import { NodeDisk } from "../../src/disk/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state-directory.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";

/** A disk that closes what it is told, and then says that it could not, where it is told so. */
class ComplainingDisk extends NodeDisk {
  readonly closed: number[] = [];
  complains = false;

  override close(descriptor: number): void {
    this.closed.push(descriptor);
    super.close(descriptor);
    if (this.complains) throw Object.assign(new Error("EIO: close"), { code: "EIO" });
  }
}

test("a descriptor is closed once, even if that fails", () => {
  using root = TemporaryRoot.inMemory();
  mkdirSync(join(root.path, "a"));
  const disk = new ComplainingDisk();
  const directories = new Directories(disk, root.path);
  directories.locate("a/file");
  disk.complains = true;
  directories.forget();
  directories.forget();
  expect(new Set(disk.closed).size).toBe(disk.closed.length);
});

test("a commit that is done is told as done, and the lock given back, whatever closing says", async () => {
  using root = TemporaryRoot.inMemory();
  const disk = new ComplainingDisk();
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  const create = (name: string) => new ChangeBuilder(root.path).create(name, "content").build();
  const notes = store.journal.notes;
  const write = notes.write.bind(notes);
  notes.write = (...given) => {
    write(...given);
    // All that is left is closing.
    disk.complains = given[0] === "applied";
  };
  await commitChangeSet(store, create("one"));
  expect(disk.complains).toBe(true);
  disk.complains = false;
  notes.write = write;
  await commitChangeSet(store, create("two"), { lockWaitMs: 0 });
});
