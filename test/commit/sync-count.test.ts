import fs from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { backgroundFilesMin } from "../../src/limits.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { TemporaryRoot } from "./scenario.ts";

let project: CompiledProject;

beforeAll(() => {
  // The thread that stages many files needs plain JavaScript.
  project = CompiledProject.build();
}, 60_000);

/** What a commit asked of the disk. */
interface Counts {
  fsyncs: number;
  fdatasyncs: number;
  syncfs: number;
  threads: number;
}

const none: Readonly<Counts> = { fsyncs: 0, fdatasyncs: 0, syncfs: 0, threads: 0 };

async function countingStore(root: string) {
  type Nodes = typeof import("../../src/disk/node/node-disk.ts");
  type Stores = typeof import("../../src/commit/commit-store.ts");
  type States = typeof import("../../src/disk/state/state-directory.ts");
  const { NodeDisk }: Nodes = await import(project.pathOf("src/disk/node/node-disk.ts"));
  const { openCommitStore }: Stores = await import(project.pathOf("src/commit/commit-store.ts"));
  const { stateDirectoryOf }: States = await import(
    project.pathOf("src/disk/state/state-directory.ts")
  );
  const counts: Counts = { ...none };
  class CountingDisk extends NodeDisk {
    override fsync(descriptor: number): Promise<void> {
      counts.fsyncs += 1;
      return super.fsync(descriptor);
    }

    override fdatasync(descriptor: number): Promise<void> {
      counts.fdatasyncs += 1;
      return super.fdatasync(descriptor);
    }

    override syncfs(path: string): Promise<boolean> {
      counts.syncfs += 1;
      return super.syncfs(path);
    }

    override createInBackground(): ReturnType<InstanceType<typeof NodeDisk>["createInBackground"]> {
      const creation = super.createInBackground();
      if (creation !== undefined) counts.threads += 1;
      return creation;
    }
  }
  return { counts, store: openCommitStore(new CountingDisk(), stateDirectoryOf(root)) };
}

/** Replaces `files` files by three commits, and counts. */
async function commitThrice(files: number): Promise<readonly Counts[]> {
  type Commits = typeof import("../../src/commit/commit.ts");
  type Builders = typeof import("./change-builder.ts");
  const { commitChangeSet }: Commits = await import(project.pathOf("src/commit/commit.ts"));
  const { ChangeBuilder }: Builders = await import(project.pathOf("test/commit/change-builder.ts"));
  using root = TemporaryRoot.inMemory();
  const { counts, store } = await countingStore(root.path);
  const found: Counts[] = [];
  for (let index = 0; index < files; index++)
    fs.writeFileSync(join(root.path, `file-${index}`), "");
  for (const word of ["first", "second", "third"]) {
    const builder = new ChangeBuilder(root.path);
    // As many bytes as files: a thousand of them find no room in a slot.
    const contentOf = (index: number): string => `${word} ${index}`.padEnd(files);
    for (let index = 0; index < files; index++) builder.write(`file-${index}`, contentOf(index));
    Object.assign(counts, none);
    const receipt = await commitChangeSet(store, builder.build());
    found.push({ ...counts });
    expect(receipt.counts.filesWritten).toBe(files);
    const last = fs.readFileSync(join(root.path, `file-${files - 1}`), "utf8");
    expect(last).toBe(contentOf(files - 1));
  }
  store.objects.close();
  return found;
}

// npm/write-file-atomic#155, ostreedev/ostree#2152, #1184, #49, cockroachdb/pebble#1851.
test.each([1, 20, 250, 1000])(
  "a commit of %i files waits for the device 3 times, and once when it is small",
  async (files) => {
    const [first, second, third] = await commitThrice(files);
    const threads = files < backgroundFilesMin ? 0 : 1;
    // The first one of a root makes the new state directory durable as well: three times more.
    expect(first).toEqual({ ...none, fsyncs: 6, threads });
    // The commit before is settled first: all of what it did, at once.
    expect(second).toEqual({ ...none, fsyncs: 3, syncfs: 1, threads });
    // By then there are slots, for those that find room in one.
    const isSmall = files <= 250;
    const waits = isSmall ? { fdatasyncs: 1 } : { fsyncs: 3 };
    expect(third).toEqual({ ...none, ...waits, syncfs: 1, threads });
  },
);
