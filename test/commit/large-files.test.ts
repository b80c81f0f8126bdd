import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { parsePointer } from "../../src/commit/tree/large-content.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { packedContentBytesMax } from "../../src/limits.ts";
import type { Content } from "../../src/overlay/pending/pending.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { ChangeBuilder, fileAfter } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";

const size = packedContentBytesMax + 4097;

function bytesOf(seed: number): Buffer {
  return Buffer.alloc(size, createHash("sha256").update(String(seed)).digest());
}

function open(root: string, disk = new FaultDisk(new NodeDisk())) {
  return openCommitStore(disk, stateDirectoryOf(root));
}

/** A content that lies in a file of its own, as the overlay spills it. */
function spilled(path: string, bytes: Buffer): Content {
  fs.writeFileSync(path, bytes, { mode: 0o600 });
  const { content } = fileAfter(bytes);
  if (content === undefined) throw new Error("a file has content");
  return { ...content, spilled: path };
}

test("a large file is taken over where it lies, its old bytes are kept by a second name", async () => {
  using root = new TemporaryRoot();
  const path = join(root.path, "large");
  fs.writeFileSync(path, bytesOf(1));
  const oldInode = fs.statSync(path).ino;
  const aside = join(root.path, "spilled");
  const after = { ...fileAfter(bytesOf(2)), content: spilled(aside, bytesOf(2)) };
  const newInode = fs.statSync(aside).ino;
  const builder = new ChangeBuilder(root.path);
  const before = builder.before("large");
  builder.change({ kind: "modify", path: "large", before, after, aspects: ["content"] });
  const disk = new FaultDisk(new NodeDisk());
  await commitChangeSet(open(root.path, disk), builder.build());

  expect(fs.statSync(path).ino).toBe(newInode);
  expect(fs.statSync(path).mode & 0o777).toBe(0o644);
  expect(fs.readFileSync(path).equals(bytesOf(2))).toBe(true);
  const kept = fs.readdirSync(join(root.path, ".draftfs/large"));
  expect(kept).toHaveLength(1);
  const place = join(root.path, ".draftfs/large", kept[0] as string);
  expect(fs.statSync(place).ino).toBe(oldInode);
  const written = disk.calls.filter(({ name }) => name === "write").length;
  expect(written).toBeLessThan(20);

  const git = ["--git-dir", join(root.path, ".draftfs/checkpoints.git")];
  const pointer = execFileSync("git", [...git, "show", "main~1:large"]);
  expect(parsePointer(pointer)).toEqual({ oid: kept[0], size });
  execFileSync("git", [...git, "fsck", "--strict"], { stdio: "pipe" });
});
