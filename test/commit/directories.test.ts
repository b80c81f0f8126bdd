import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { Directories } from "../../src/commit/tree/directories.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
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

describe.each(["by openat2", "name by name"])("the way to a directory, %s", (way) => {
  const newDisk = () => {
    const disk = new NodeDisk();
    return way === "by openat2" ? disk : Object.assign(disk, { openDirectoryBelow: undefined });
  };

  test("leads there, whatever becomes of its names", () => {
    using root = TemporaryRoot.inMemory();
    mkdirSync(join(root.path, "a/b/c"), { recursive: true });
    writeFileSync(join(root.path, "a/b/c/file"), "this one");
    const disk = newDisk();
    using directories = new Directories(disk, root.path);
    const place = directories.locate("a/b/c/file");
    renameSync(join(root.path, "a"), join(root.path, "moved"));
    mkdirSync(join(root.path, "a/b/c"), { recursive: true });
    writeFileSync(join(root.path, "a/b/c/file"), "another one");
    expect(String(disk.readFile(place))).toBe("this one");
    expect(directories.keepsParent("a/b/c/file")).toBe(false);
  });

  test.each([
    ["a link that leads to it", "link/c", "ENOTDIR"],
    ["a link on the way", "link/c/d", "ENOTDIR"],
    ["a link at its end", "a/link", "ENOTDIR"],
    ["a file on the way", "a/file/c", "ENOTDIR"],
    ["a directory that is not there", "a/none/c", "ENOENT"],
  ])("is refused by %s", (_, path, code) => {
    using root = TemporaryRoot.inMemory();
    mkdirSync(join(root.path, "a/b/c/d"), { recursive: true });
    writeFileSync(join(root.path, "a/file"), "");
    symlinkSync("b", join(root.path, "a/link"));
    symlinkSync("a/b", join(root.path, "link"));
    using directories = new Directories(newDisk(), root.path);
    expect(() => directories.locate(`${path}/name`)).toThrow(expect.objectContaining({ code }));
    expect(directories.hasParent(`${path}/name`)).toBe(false);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "is refused through a mount, of the same disk too",
    ({ skip }) => {
      using root = TemporaryRoot.inMemory();
      mkdirSync(join(root.path, "a/mounted"), { recursive: true });
      mkdirSync(join(root.path, "beside/b/c"), { recursive: true });
      const mounted = join(root.path, "a/mounted");
      try {
        execFileSync("mount", ["--bind", join(root.path, "beside"), mounted], { stdio: "pipe" });
      } catch {
        skip("mounting is not allowed here");
      }
      try {
        using directories = new Directories(newDisk(), root.path);
        const error = expect.objectContaining({ code: "EXDEV" });
        expect(() => directories.locate("a/mounted/b/c/file")).toThrow(error);
        expect(() => directories.locate("a/mounted/b/file")).toThrow(error);
        expect(() => directories.inside("a/mounted/b")).toThrow(error);
      } finally {
        execFileSync("umount", [mounted]);
      }
    },
  );

  test("is held open for as many as may be, and no more", () => {
    using root = TemporaryRoot.inMemory();
    const names = Array.from({ length: 20 }, (_, index) => `a/${index}/b`);
    for (const name of names) mkdirSync(join(root.path, name), { recursive: true });
    const disk = newDisk();
    using directories = new Directories(disk, root.path, 5);
    for (const name of [...names, ...names]) {
      expect(disk.lstat(directories.locate(`${name}/file`))).toBe(undefined);
      expect(openBelow(root.path)).toBeLessThanOrEqual(5 + name.split("/").length);
    }
    directories.forget();
    expect(openBelow(root.path)).toBe(0);
  });
});

function openBelow(root: string): number {
  const open = readdirSync("/proc/self/fd").map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return "";
    }
  });
  return open.filter((path) => path === root || path.startsWith(`${root}/`)).length;
}
