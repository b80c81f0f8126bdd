import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { packedContentBytesMax } from "../../src/limits.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";
import { readTree } from "./tree.ts";

/** A file that is replaced like others do it, by another inode. */
function replace(path: string, text: string): void {
  fs.writeFileSync(`${path}.other`, text);
  fs.renameSync(`${path}.other`, path);
}

interface Case {
  readonly what: string;
  readonly path: string;
  readonly reason: string;
  readonly change: (builder: ChangeBuilder) => ChangeBuilder;
  /** What somebody does while the commit waits for the device. */
  readonly meanwhile: (at: (path: string) => string) => void;
}

const cases: readonly Case[] = [
  {
    what: "a file that is to be replaced is edited",
    path: "file",
    reason: "changed",
    change: (builder) => builder.write("file", "ours\n"),
    meanwhile: (at) => fs.writeFileSync(at("file"), "them\n"),
  },
  {
    what: "a file that is to be replaced is replaced",
    path: "file",
    reason: "changed",
    change: (builder) => builder.write("file", "ours\n"),
    meanwhile: (at) => replace(at("file"), "theirs\n"),
  },
  {
    what: "a file that is to be replaced is given an extended attribute",
    path: "file",
    reason: "changed",
    change: (builder) => builder.write("file", "ours\n"),
    meanwhile: (at) => {
      const { attributes } = new NodeDisk();
      // Where there are none to give, a chmod changes the same time.
      if (attributes === undefined) fs.chmodSync(at("file"), 0o600);
      else attributes.write(at("file"), "user.theirs", Buffer.from("kept"));
    },
  },
  {
    what: "a file that is to be removed is edited",
    path: "file",
    reason: "changed",
    change: (builder) => builder.remove("file"),
    meanwhile: (at) => fs.appendFileSync(at("file"), "more\n"),
  },
  {
    what: "a file that is to be moved is replaced",
    path: "file",
    reason: "changed",
    change: (builder) => builder.rename("file", "elsewhere"),
    meanwhile: (at) => replace(at("file"), "theirs\n"),
  },
  {
    what: "a file appears where another one is to be moved",
    path: "elsewhere",
    reason: "appeared",
    change: (builder) => builder.rename("file", "elsewhere"),
    meanwhile: (at) => fs.writeFileSync(at("elsewhere"), "theirs\n"),
  },
  {
    what: "a file with two names that is to be written is edited by the other",
    path: "twin-1",
    reason: "changed",
    change: (builder) => builder.write("twin-1", "ours\n", { group: 1, sameNode: true }),
    meanwhile: (at) => fs.writeFileSync(at("twin-2"), "theirs\n"),
  },
  {
    what: "a link that is to lead elsewhere is given another target",
    path: "link",
    reason: "changed",
    change: (builder) => builder.retarget("link", "ours"),
    meanwhile: (at) => {
      fs.unlinkSync(at("link"));
      fs.symlinkSync("them", at("link"));
    },
  },
  {
    what: "a mode that is to be changed is changed",
    path: "file",
    reason: "changed",
    change: (builder) => builder.chmod("file", 0o600),
    meanwhile: (at) => fs.chmodSync(at("file"), 0o640),
  },
  {
    what: "a file that is to be replaced becomes a directory",
    path: "file",
    reason: "retyped",
    change: (builder) => builder.write("file", "ours\n"),
    meanwhile: (at) => {
      fs.unlinkSync(at("file"));
      fs.mkdirSync(at("file"));
    },
  },
  {
    what: "a file that is to be removed vanishes",
    path: "directory/inside",
    reason: "vanished",
    change: (builder) => builder.remove("directory/inside"),
    meanwhile: (at) => fs.renameSync(at("directory/inside"), at("taken")),
  },
  {
    what: "the directory of a file that is to be removed is moved away",
    path: "directory/inside",
    reason: "unreachable",
    change: (builder) => builder.remove("directory/inside"),
    meanwhile: (at) => fs.renameSync(at("directory"), at("taken")),
  },
  {
    what: "the directory of a new file is removed",
    path: "directory/new",
    reason: "unreachable",
    change: (builder) => builder.create("directory/new", "ours\n"),
    meanwhile: (at) => fs.rmSync(at("directory"), { recursive: true }),
  },
  {
    what: "another directory takes the place of that of a new file",
    path: "directory/new",
    reason: "unreachable",
    change: (builder) => builder.create("directory/new", "ours\n"),
    meanwhile: (at) => {
      fs.renameSync(at("directory"), at("taken"));
      fs.mkdirSync(at("directory"));
    },
  },
  {
    what: "a link takes the place of the directory that a file is to be moved to",
    path: "directory/moved",
    reason: "unreachable",
    change: (builder) => builder.rename("file", "directory/moved"),
    meanwhile: (at) => {
      fs.renameSync(at("directory"), at("taken"));
      fs.symlinkSync("taken", at("directory"));
    },
  },
];

test.each(cases)(
  "when $what just before the commit point, nothing is touched",
  async ({ path, reason, change, meanwhile }) => {
    using root = TemporaryRoot.inMemory();
    const at = (name: string): string => join(root.path, name);
    fs.writeFileSync(at("file"), "file\n");
    fs.writeFileSync(at("twin-1"), "twin\n");
    fs.linkSync(at("twin-1"), at("twin-2"));
    fs.symlinkSync("file", at("link"));
    fs.mkdirSync(at("directory"));
    fs.writeFileSync(at("directory/inside"), "inside\n");
    const changes = change(new ChangeBuilder(root.path)).build();
    let left: unknown;
    const disk = new FaultDisk(new NodeDisk(), ({ name }) => {
      // The last waits before the record is in force.
      if (left === undefined && name === "fsync" && fs.existsSync(at(".draftfs/journal/next"))) {
        meanwhile(at);
        left = readTree(root.path, { times: true });
      }
      return { kind: "none" };
    });
    const commit = commitChangeSet(openCommitStore(disk, stateDirectoryOf(root.path)), changes);
    await expect(commit).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
      details: { conflicts: [{ path, reason }] },
    });
    expect(left).toBeDefined();
    expect(readTree(root.path, { times: true })).toEqual(left);
    expect(fs.existsSync(at(".draftfs/journal/current"))).toBe(false);
    expect(fs.readdirSync(at(".draftfs/staging"))).toEqual([]);
  },
);

test("what happens in a directory that is moved meanwhile does not stop it", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (name: string): string => join(root.path, name);
  fs.mkdirSync(at("directory"));
  const changes = new ChangeBuilder(root.path).rename("directory", "moved").build();
  const disk = new FaultDisk(new NodeDisk(), ({ name }) => {
    if (name === "fsync") fs.writeFileSync(join(root.path, "directory/new"), "new\n");
    return { kind: "none" };
  });
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  await commitChangeSet(store, changes);
  expect(fs.readFileSync(at("moved/new"), "utf8")).toBe("new\n");
});

test("a large file that is to be replaced is not given the mode that somebody has taken from it", async () => {
  using root = TemporaryRoot.inMemory();
  const path = join(root.path, "large");
  fs.writeFileSync(path, "large");
  fs.truncateSync(path, packedContentBytesMax + 1);
  const changes = new ChangeBuilder(root.path).write("large", "ours\n").build();
  const disk = new FaultDisk(new NodeDisk(), ({ name, path: target }) => {
    // Its second name moves its ctime as well, and is the commit's own doing.
    if (name === "link" && target?.includes("/large/") === true) fs.chmodSync(path, 0o640);
    return { kind: "none" };
  });
  const commit = commitChangeSet(openCommitStore(disk, stateDirectoryOf(root.path)), changes);
  await expect(commit).rejects.toMatchObject({
    code: "DRAFT_CONFLICT",
    details: { conflicts: [{ path: "large", reason: "changed" }] },
  });
  expect(fs.statSync(path)).toMatchObject({ size: packedContentBytesMax + 1, mode: 0o100640 });
});
