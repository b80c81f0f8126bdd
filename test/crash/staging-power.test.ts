import { afterEach, expect, test, vi } from "vitest";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import type { FileCreation } from "../../src/disk/disk.ts";
import { openFlags } from "../../src/disk/open-flags.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { backgroundFilesMin, backgroundStagingMs } from "../../src/limits.ts";
import { fileAfter } from "../commit/change-builder.ts";
import { ForgetfulDisk } from "../support/forgetful-disk.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const root = "/root";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A disk with a thread that creates files, some time after the commit has gone on. */
class SlowStagingDisk extends ForgetfulDisk {
  delayMs = 0;

  createInBackground(): FileCreation {
    const files: { path: string; mode: number; bytes: Buffer }[] = [];
    return {
      add: (path, mode, bytes) => files.push({ path, mode, bytes: Buffer.from(bytes) }) > 0,
      finish: async () => {
        await Promise.resolve();
        const now = Date.now() + this.delayMs;
        vi.spyOn(Date, "now").mockImplementation(() => now);
        this.setClock(BigInt(now) * 1_000_000n);
        for (const { path, mode, bytes } of files) {
          const descriptor = this.open(path, openFlags.createNew, mode);
          this.write(descriptor, bytes);
          this.close(descriptor);
        }
        return undefined;
      },
    };
  }
}

async function start(): Promise<SlowStagingDisk> {
  const disk = new SlowStagingDisk({ orderedNames: true }, BigInt(Date.now()) * 1_000_000n);
  disk.mkdir(root, 0o755);
  await disk.syncfs();
  return disk;
}

function creations(count: number, mtimeMs?: number): ChangeSet {
  const changes = Array.from({ length: count }, (_, index) => ({
    kind: "create" as const,
    path: `file-${1000 + index}`,
    after: fileAfter(`${index} text\n`.repeat(60), mtimeMs === undefined ? {} : { mtimeMs }),
  }));
  return { root, changes };
}

/** Commits, cuts the power, recovers: the commit has been acknowledged, so it must be there. */
async function cutAfter(changes: ChangeSet, seed: number, delayMs = 0): Promise<void> {
  const disk = await start();
  disk.delayMs = delayMs;
  const options = { checks: "minimal" } as const;
  await commitChangeSet(openCommitStore(disk, stateDirectoryOf(root)), changes, options);
  const expected = disk.tree(root, ".draftfs");
  const random = new SeededRandom(seed);
  const next = disk.afterPowerCut(() => random.fraction());
  const report = await recoverJournal(openCommitStore(next, stateDirectoryOf(root)));
  expect(report.kept).toEqual([]);
  expect(next.tree(root, ".draftfs")).toEqual(expected);
}

test("files that a thread stages while the record is written are recognised after a power cut", async () => {
  await cutAfter(creations(backgroundFilesMin + 100), 1, 40);
});

test("so are those of a thread that takes much longer than the record", async () => {
  await cutAfter(creations(backgroundFilesMin), 4, backgroundStagingMs * 3);
});

test("files that are given a time in the future are recognised after a power cut", async () => {
  for (const seed of [1, 2, 3, 4]) await cutAfter(creations(12, Date.now() + 1e10), seed);
});
