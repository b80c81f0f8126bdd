import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { After } from "../../src/commit/change-set.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { NodeDisk } from "../../src/disk/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state-directory.ts";
import { ChangeBuilder, fileAfter } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";

const somebody = 54_321;

/** A disk on which nobody may give a file away, but its owner may choose among groups. */
class StrictDisk extends NodeDisk {
  readonly asked: string[] = [];

  override lchown(path: string, uid: number, gid: number): void {
    this.asked.push(`${uid}:${gid}`);
    if (uid === -1) super.lchown(path, uid, gid);
    else throw Object.assign(new Error("EPERM"), { code: "EPERM", syscall: "lchown", path });
  }
}

function programOf(uid: number, gid: number): After {
  const after = fileAfter("#!/bin/sh\n", { mode: 0o6755 });
  return { ...after, state: { ...after.state, uid, gid } };
}

async function commitProgram(after: After): Promise<{ mode: number; asked: readonly string[] }> {
  using root = TemporaryRoot.inMemory();
  const disk = new StrictDisk();
  const changes = new ChangeBuilder(root.path)
    .change({ kind: "create", path: "program", after })
    .build();
  await commitChangeSet(openCommitStore(disk, stateDirectoryOf(root.path)), changes);
  const { mode } = fs.statSync(join(root.path, "program"));
  return { mode: mode & 0o7777, asked: disk.asked };
}

const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

test("a program that cannot be given to its owner keeps its group, and does not run as somebody else", async () => {
  const { mode, asked } = await commitProgram(programOf(somebody, own.gid));
  expect(asked).toEqual([`${somebody}:${own.gid}`, `-1:${own.gid}`]);
  expect(mode).toBe(0o2755);
});

test("a program that belongs to who commits it keeps its mode", async () => {
  const { mode, asked } = await commitProgram(programOf(own.uid, own.gid));
  expect(asked).toEqual([]);
  expect(mode).toBe(0o6755);
});
