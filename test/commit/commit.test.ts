import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { makeChanges, makeTree, TemporaryRoot } from "./scenario.ts";
import { readTree } from "./tree.ts";

function open(root: string) {
  return openCommitStore(new NodeDisk(), stateDirectoryOf(root));
}

function fsck(root: string): string {
  const directory = join(root, ".draftfs", "checkpoints.git");
  return execFileSync("git", ["--git-dir", directory, "fsck", "--strict", "--full"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

test("a commit of every kind of change leaves exactly the tree that was asked for", async () => {
  using root = new TemporaryRoot();
  makeTree(root.path);
  const receipt = await commitChangeSet(open(root.path), makeChanges(root.path));
  const owner = `${process.getuid?.()}:${process.getgid?.()}`;
  const seconds = (time: number): string => `@${time}000000`;
  expect(readTree(root.path, { directoryTimes: true })).toEqual({
    arrived: `directory 755 ${owner}`,
    "arrived/dated": `directory 755 ${owner} ${seconds(1_200_000_000)}`,
    "arrived/dated/file": `file 644 ${owner} "old-moved/file: new\\n"`,
    "arrived/deep": `directory 755 ${owner}`,
    "arrived/deep/fresh": `file 644 ${owner} "fresh\\n"`,
    "arrived/inside": `file 644 ${owner} "moved/inside: new\\n"`,
    "arrived/kept": `file 644 ${owner} "moved/kept\\n"`,
    away: `file 644 ${owner} "leaves a directory\\n"`,
    changed: `file 644 ${owner} "changed: new, and longer\\n"`,
    chmodded: `file 600 ${owner} "chmodded\\n"`,
    dangling: `link ${owner} -> nowhere/at all`,
    dated: `file 644 ${owner} ""`,
    "dated-new": `directory 755 ${owner} ${seconds(1_400_000_000)}`,
    "dated-new/file": `file 644 ${owner} "in a new directory with an old time\\n"`,
    "directory-to-file": `file 644 ${owner} "a file now\\n"`,
    empty: `directory 700 ${owner} ${seconds(1_600_000_000)}`,
    executable: `file 755 ${owner} "#!/bin/sh\\necho\\n"`,
    "file-to-directory": `directory 755 ${owner}`,
    "file-to-directory/new": `file 640 ${owner} "new\\n"`,
    left: `directory 755 ${owner}`,
    "left/file": `file 644 ${owner} "right\\n"`,
    old: `directory 755 ${owner} ${seconds(1_100_000_000)}`,
    "old/file": `file 644 ${owner} "old/file: new\\n"`,
    "old/inner": `directory 755 ${owner} ${seconds(1_000_000_000)}`,
    "old-closed": `directory 555 ${owner} ${seconds(1_300_000_000)}`,
    "old-closed/file": `file 644 ${owner} "old-closed/file: new\\n"`,
    "old-opened": `directory 755 ${owner} ${seconds(1_300_000_000)}`,
    "old-opened/file": `file 644 ${owner} "old-opened/file: new\\n"`,
    out: `file 644 ${owner} "comes out of the doomed directory\\n"`,
    "paired-2": `file 644 ${owner} "moved, and written under both names\\n"`,
    "paired-moved": `file 644 ${owner} "moved, and written under both names\\n" = paired-2`,
    "parted-2": `file 644 ${owner} "loses one of two names\\n"`,
    pointer: `link ${owner} -> executable`,
    right: `directory 755 ${owner}`,
    "right/file": `file 644 ${owner} "left\\n"`,
    sealed: `directory 555 ${owner}`,
    "sealed/added": `file 644 ${owner} "before it was sealed\\n"`,
    "sealed/file": `file 644 ${owner} "sealed\\n"`,
    "shared-1": `file 644 ${owner} "two names, one inode, other bytes\\n"`,
    "shared-2": `file 644 ${owner} "two names, one inode, other bytes\\n" = shared-1`,
    "shared-3": `file 644 ${owner} "two names, one inode, other bytes\\n" = shared-1`,
  });
  // Not to the nanosecond, which no number of seconds holds.
  expect(Math.trunc(fs.statSync(join(root.path, "dated")).mtimeMs)).toBe(1_500_000_000_123);
  expect(receipt.sequence).toBe(1);
  expect(receipt.counts.syncs).toBe(3);
  expect(fsck(root.path)).toBe("");
});

test("recovery after a whole commit finds nothing to do", async () => {
  using root = new TemporaryRoot();
  makeTree(root.path);
  const store = open(root.path);
  await commitChangeSet(store, makeChanges(root.path));
  const before = readTree(root.path, { times: true });
  const report = await recoverJournal(store);
  expect(report.outcome).toBe("clean");
  expect(readTree(root.path, { times: true })).toEqual(before);
});
