import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkContent, shapeOf } from "../../src/commit/checks/check-content.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { KIB, MIB, packedContentBytesMax } from "../../src/limits.ts";
import { redo, undo } from "../../src/recovery/take-back.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";
import { readTree } from "./tree.ts";

function open(root: string, disk: Disk = new FaultDisk(new NodeDisk())) {
  return openCommitStore(disk, stateDirectoryOf(root));
}

/** Bytes that change between the write and the read. */
class DecayingDisk extends FaultDisk {
  override write(descriptor: number, bytes: Uint8Array, position?: number): void {
    const copy = Buffer.from(bytes);
    if (copy.toString("latin1") === "sound\n") copy[0] = 0x73 ^ 4;
    super.write(descriptor, copy, position);
  }
}

test("strict: bytes that cannot be read back as written are found before anything changes", async () => {
  using root = TemporaryRoot.inMemory();
  const store = open(root.path, new DecayingDisk(new NodeDisk()));
  const changes = new ChangeBuilder(root.path).create("file", "sound\n").build();
  await expect(commitChangeSet(store, changes, { checks: "strict" })).rejects.toMatchObject({
    code: "DRAFT_CHECK_FAILED",
    path: "file",
  });
  expect(readTree(root.path)).toEqual({});
});

test("strict: so are those of a file that is too large for a pack", async () => {
  using root = TemporaryRoot.inMemory();
  class DecayingLater extends FaultDisk {
    override write(descriptor: number, bytes: Uint8Array, position = 0): void {
      const copy = Buffer.from(bytes);
      if (position > 0 && bytes.length > KIB) copy[7] = (copy[7] ?? 0) ^ 4;
      super.write(descriptor, copy, position);
    }
  }
  const large = Buffer.alloc(packedContentBytesMax + MIB, "large");
  const changes = new ChangeBuilder(root.path).create("file", large).build();
  const commitTo = (disk: Disk) =>
    commitChangeSet(open(root.path, disk), changes, { checks: "strict" });
  await expect(commitTo(new DecayingLater(new NodeDisk()))).rejects.toMatchObject({
    code: "DRAFT_CHECK_FAILED",
    path: "file",
  });
  expect(readTree(root.path)).toEqual({});
  await commitTo(new FaultDisk(new NodeDisk()));
  expect(fs.readFileSync(join(root.path, "file")).equals(large)).toBe(true);
});

test("strict: JSON that a change breaks is refused, JSON that was broken before is remarked", async () => {
  using root = TemporaryRoot.inMemory();
  fs.writeFileSync(join(root.path, "sound.json"), "{}\n");
  fs.writeFileSync(join(root.path, "broken.json"), "{ // with a remark\n}\n");
  const refused = new ChangeBuilder(root.path).write("sound.json", "{,}\n").build();
  await expect(
    commitChangeSet(open(root.path), refused, { checks: "strict" }),
  ).rejects.toMatchObject({ code: "DRAFT_CHECK_FAILED", path: "sound.json" });
  const passed = new ChangeBuilder(root.path).write("broken.json", "{ // another\n}\n").build();
  const receipt = await commitChangeSet(open(root.path), passed, { checks: "strict" });
  expect(receipt.warnings).toMatchObject([{ path: "broken.json", check: "structure" }]);
  expect(fs.readFileSync(join(root.path, "sound.json"), "utf8")).toBe("{}\n");
});

test("content checks notice encoding, byte order mark, line ends and hidden characters", () => {
  const check = (before: string | Buffer, after: string | Buffer) =>
    checkContent("file.txt", Buffer.from(after), shapeOf("file.txt", Buffer.from(before))).map(
      (finding) => `${finding.severity} ${finding.check}`,
    );
  expect(check("plain\n", "other\n")).toEqual([]);
  expect(check("text\n", Buffer.from([0x74, 0xff, 0x0a]))).toEqual(["error encoding"]);
  expect(check(Buffer.from([0xff, 0xfe]), Buffer.from([0xff, 0xfd]))).toEqual([]);
  expect(check("\ufefftext\n", "text\n")).toEqual(["warning encoding"]);
  expect(check("one\r\ntwo\r\n", "one\ntwo\n")).toEqual(["warning encoding"]);
  expect(check("one\r\ntwo\n", "one\ntwo\n")).toEqual([]);
  expect(check("a\n", "a\u202eb\n")).toEqual(["warning characters"]);
  expect(check("", "\0\0")).toEqual(["error encoding"]);
});

test("normal: a full disk is found out before anything is written", async () => {
  using root = TemporaryRoot.inMemory();
  class FullDisk extends FaultDisk {
    override freeBytes(): number {
      return 100_000;
    }
  }
  const changes = new ChangeBuilder(root.path).create("file", "text\n").build();
  await expect(
    commitChangeSet(open(root.path, new FullDisk(new NodeDisk())), changes),
  ).rejects.toMatchObject({
    code: "DRAFT_CHECK_FAILED",
    message: expect.stringMatching(
      /needs about 4194314 bytes, 4194304 of them room to spare, .*; the disk has 100000; free/,
    ),
  });
  expect(readTree(root.path)).toEqual({});
});

test("normal: want of inodes is found out before anything is written, and called that", async () => {
  using root = TemporaryRoot.inMemory();
  class CrowdedDisk extends FaultDisk {
    override freeFiles(): number {
      return 2;
    }
  }
  const crowded = () => open(root.path, new CrowdedDisk(new NodeDisk()));
  const three = new ChangeBuilder(root.path).create("a", "").create("b", "").create("c", "");
  await expect(commitChangeSet(crowded(), three.build())).rejects.toMatchObject({
    code: "DRAFT_CHECK_FAILED",
    message: expect.stringMatching(/needs 3 new files and directories.* room for 2 .*df -i/),
  });
  expect(readTree(root.path)).toEqual({});
  const two = new ChangeBuilder(root.path).create("a", "").create("b", "").build();
  await commitChangeSet(crowded(), two);
  expect(Object.keys(readTree(root.path))).toEqual(["a", "b"]);
});

test.runIf(process.getuid?.() === 0 && process.platform === "linux")(
  "a file system without inodes is told from one that is full",
  async ({ skip }) => {
    using root = new TemporaryRoot();
    const mounted = join(root.path, "small");
    fs.mkdirSync(mounted);
    const mount = ["-t", "tmpfs", "-o", "nr_inodes=40,size=10m", "tmpfs", mounted];
    if (spawnSync("mount", mount).status !== 0) skip("nothing can be mounted here");
    try {
      for (let left = new NodeDisk().freeFiles(mounted); left > 0; left -= 1) {
        fs.writeFileSync(join(mounted, `file${left}`), "");
      }
      const changes = new ChangeBuilder(mounted).create("new", "text\n").build();
      const commit = commitChangeSet(open(mounted), changes, { checks: "minimal" });
      await expect(commit).rejects.toThrow(/ENOSPC.*no inodes left.*df -i/);
    } finally {
      execFileSync("umount", [mounted]);
    }
  },
);

test("normal: what was there before comes back with no room to spare", async () => {
  using root = TemporaryRoot.inMemory();
  class FullDisk extends FaultDisk {
    override freeBytes(): number {
      return 5;
    }
  }
  const full = () => open(root.path, new FullDisk(new NodeDisk()));
  fs.writeFileSync(join(root.path, "file"), "text\n");
  const changes = new ChangeBuilder(root.path).write("file", "another text\n").build();
  await commitChangeSet(open(root.path), changes);
  await undo(full());
  expect(fs.readFileSync(join(root.path, "file"), "utf8")).toBe("text\n");
  await expect(redo(full())).rejects.toMatchObject({
    code: "DRAFT_CHECK_FAILED",
    message: expect.stringMatching(/^Cannot redo: .*needs about 13 bytes, the disk has 5; free/),
    details: { operation: "redo" },
  });
  expect(fs.readFileSync(join(root.path, "file"), "utf8")).toBe("text\n");
});

test.skipIf(process.getuid?.() !== 0)(
  "normal: a directory that is immutable is named before anything moves",
  async ({ skip }) => {
    using root = new TemporaryRoot();
    fs.mkdirSync(join(root.path, "fixed"));
    try {
      execFileSync("chattr", ["+i", join(root.path, "fixed")], { stdio: "pipe" });
    } catch {
      skip("this file system has no immutable flag");
    }
    try {
      const changes = new ChangeBuilder(root.path)
        .create("before", "first in order\n")
        .create("fixed/file", "text\n")
        .build();
      await expect(commitChangeSet(open(root.path), changes)).rejects.toMatchObject({
        code: "DRAFT_CHECK_FAILED",
        path: "fixed/file",
      });
      expect(Object.keys(readTree(root.path))).toEqual(["fixed"]);
    } finally {
      execFileSync("chattr", ["-i", join(root.path, "fixed")]);
    }
  },
);

test.skipIf(process.getuid?.() === 0)(
  "normal: a directory that may not be written to is named before anything moves",
  async () => {
    using root = new TemporaryRoot();
    fs.mkdirSync(join(root.path, "sealed"), { mode: 0o555 });
    const changes = new ChangeBuilder(root.path).create("sealed/file", "text\n").build();
    await expect(commitChangeSet(open(root.path), changes)).rejects.toMatchObject({
      code: "DRAFT_CHECK_FAILED",
      path: "sealed/file",
    });
    expect(Object.keys(readTree(root.path))).toEqual(["sealed"]);
  },
);

test.skipIf(process.getuid?.() !== 0)(
  "normal: so is one that only the user may not write to for whom root acts",
  async () => {
    using root = new TemporaryRoot();
    const somebody = 54_321;
    fs.chownSync(root.path, somebody, somebody);
    fs.mkdirSync(join(root.path, "sealed"), { mode: 0o755 });
    const changes = new ChangeBuilder(root.path).create("sealed/file", "text\n").build();
    process.setegid?.(somebody);
    process.seteuid?.(somebody);
    try {
      await expect(commitChangeSet(open(root.path), changes)).rejects.toMatchObject({
        code: "DRAFT_CHECK_FAILED",
        path: "sealed/file",
      });
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
    }
    expect(Object.keys(readTree(root.path))).toEqual(["sealed"]);
  },
);

test.skipIf(process.getuid?.() !== 0)(
  "a directory on another file system is named before anything moves",
  async ({ skip }) => {
    using root = new TemporaryRoot();
    const mounted = join(root.path, "mounted");
    fs.mkdirSync(mounted);
    try {
      execFileSync("mount", ["-t", "tmpfs", "none", mounted], { stdio: "pipe" });
    } catch {
      skip("mounting is not allowed here");
    }
    try {
      const changes = new ChangeBuilder(root.path)
        .create("before", "first in order\n")
        .create("mounted/file", "text\n")
        .build();
      await expect(
        commitChangeSet(open(root.path), changes, { checks: "minimal" }),
      ).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED", path: "mounted/file" });
      expect(Object.keys(readTree(root.path))).toEqual(["mounted"]);
    } finally {
      execFileSync("umount", [mounted]);
    }
  },
);
