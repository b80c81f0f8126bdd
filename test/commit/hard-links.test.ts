import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { type CommitStore, openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { commitPlanFile, planFileOf } from "../../src/commit/plan/plan-file.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { planContentBytesMax } from "../../src/limits.ts";
import { objectIdOf } from "../../src/objects/object-id.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { type Edit, tryEdit } from "./edits.ts";
import { TemporaryRoot } from "./scenario.ts";
import { readTree, type TreeLines } from "./tree.ts";

const disk = new NodeDisk();

const open = (root: string): CommitStore => openCommitStore(disk, stateDirectoryOf(root));
const write = (path: string, text: string): Edit => ({ kind: "write", path, text });
const append = (path: string, text: string): Edit => ({ kind: "append", path, text });
const link = (from: string, path: string): Edit => ({ kind: "link", from, path });
const rename = (from: string, path: string): Edit => ({ kind: "rename", from, path });
const remove = (path: string): Edit => ({ kind: "remove", path });
const chmod = (path: string): Edit => ({ kind: "chmod", path, mode: 0o600 });

/** One file of the names a and b, another one of c and d, and a single one. */
const start: readonly Edit[] = [
  write("a", "shared"),
  link("a", "b"),
  write("c", "also shared"),
  link("c", "d"),
  write("single", "single"),
];

function editDisk(root: string, edits: readonly Edit[]): TreeLines {
  for (const step of edits) expect(tryEdit(fs, root, step), JSON.stringify(step)).toBe(true);
  return readTree(root);
}

function draft(root: string, edits: readonly Edit[]) {
  const layer = openLayer({ root });
  for (const step of edits) tryEdit(layer.fs as unknown as typeof fs, root, step);
  const changeSet = diffLayer(layer);
  layer.close();
  return changeSet;
}

/** Done to names of which others exist that nobody has looked at. */
const stories: Readonly<Record<string, readonly Edit[]>> = {
  "one name is written": [write("a", "new")],
  "both names are written": [write("a", "new"), append("b", " and newer")],
  "a name is moved and written": [rename("a", "moved"), write("moved", "new")],
  "a name is moved, written, and its place filled": [
    rename("a", "moved"),
    write("moved", "new"),
    write("a", "another file"),
  ],
  "a written name is moved over a name of another file": [write("a", "new"), rename("a", "c")],
  "a single file is moved over a name and written": [rename("single", "a"), write("a", "new")],
  "both names are written, one moved over a name": [
    append("a", "1"),
    append("b", "2"),
    rename("b", "c"),
  ],
  "one name is removed, the other written": [remove("a"), write("b", "new")],
  "a name is linked, removed and written": [link("a", "more"), remove("a"), append("more", "!")],
  "a name gets two more, one is written": [
    link("a", "x"),
    link("a", "y"),
    remove("a"),
    append("y", "!"),
  ],
  "an unchanged file gets another name": [link("a", "more"), link("single", "second")],
  "an unchanged file gets a name in place of another file": [
    rename("single", "away"),
    link("c", "single"),
  ],
  "one name gets another mode": [chmod("a")],
  "one name gets another mode, another is moved over a file": [chmod("d"), rename("c", "a")],
  "names are exchanged and written": [
    rename("a", "t"),
    rename("single", "a"),
    rename("t", "single"),
    write("single", "new"),
  ],
};

describe.each(Object.entries(stories))("hard links when %s", (_, edits) => {
  // coctostan/pi-hashline-readmap#153, atusy/kakehashi#760.
  test("are as on a disk after a commit", async () => {
    using root = TemporaryRoot.inMemory();
    using twin = TemporaryRoot.inMemory();
    editDisk(root.path, start);
    editDisk(twin.path, start);
    const wanted = editDisk(twin.path, edits);
    const receipt = await commitChangeSet(open(root.path), draft(root.path, edits));
    expect(readTree(root.path)).toEqual(wanted);
    for (const change of receipt.changes) {
      if (change.kind === "delete" || change.after.kind !== "file") continue;
      const bytes = fs.readFileSync(`${root.path}/${change.path}`);
      expect(change.after.size, change.path).toBe(bytes.length);
      expect([objectIdOf("blob", bytes), ""], change.path).toContain(change.after.oid);
    }
  });

  test("are the same where a plan file is applied to a tree that is linked alike", async () => {
    using root = TemporaryRoot.inMemory();
    using other = TemporaryRoot.inMemory();
    using twin = TemporaryRoot.inMemory();
    for (const { path } of [root, other, twin]) editDisk(path, start);
    const wanted = editDisk(twin.path, edits);
    const plan = JSON.stringify(planFileOf(disk, draft(root.path, edits)));
    await commitPlanFile(open(other.path), JSON.parse(plan));
    expect(readTree(other.path)).toEqual(wanted);
  });
});

describe("a plan file", () => {
  test("is refused where it would be too large for one text, and says what to do", () => {
    using root = TemporaryRoot.inMemory();
    const layer = openLayer({ root: root.path, memoryLimitBytes: 1 });
    layer.fs.writeFileSync(`${root.path}/small`, "small");
    layer.fs.writeFileSync(`${root.path}/vast`, "");
    layer.fs.truncateSync(`${root.path}/vast`, planContentBytesMax);
    const changeSet = diffLayer(layer);
    expect(() => planFileOf(disk, changeSet)).toThrow(
      expect.objectContaining({ code: "DRAFT_UNSUPPORTED", path: "vast" }),
    );
    layer.close();
  });

  const copied: readonly Edit[] = [
    write("a", "shared"),
    write("b", "shared"),
    write("c", "also shared"),
    write("d", "also shared"),
    write("single", "single"),
  ];

  test.each([
    "one name is written",
    "both names are written",
    "a name is moved and written",
    "one name gets another mode",
  ])("is refused where the files are not linked any more, when %s", async (name) => {
    using root = TemporaryRoot.inMemory();
    using other = TemporaryRoot.inMemory();
    editDisk(root.path, start);
    const before = editDisk(other.path, copied);
    const plan = JSON.stringify(planFileOf(disk, draft(root.path, stories[name] ?? [])));
    const applying = commitPlanFile(open(other.path), JSON.parse(plan));
    await expect(applying).rejects.toMatchObject({
      code: "DRAFT_PLAN_STALE",
      message: expect.stringContaining("(hard links)"),
    });
    expect(readTree(other.path)).toEqual(before);
  });

  test("is refused where two names of one file lead to two files with other names", async () => {
    using root = TemporaryRoot.inMemory();
    using other = TemporaryRoot.inMemory();
    editDisk(root.path, start);
    const before = editDisk(other.path, [...copied, link("a", "a2"), link("b", "b2")]);
    const edits = stories["both names are written"] ?? [];
    const plan = JSON.stringify(planFileOf(disk, draft(root.path, edits)));
    const applying = commitPlanFile(open(other.path), JSON.parse(plan));
    await expect(applying).rejects.toMatchObject({ code: "DRAFT_PLAN_STALE" });
    expect(readTree(other.path)).toEqual(before);
  });

  test("names the file that gets one more name, and not its bytes again", () => {
    using root = TemporaryRoot.inMemory();
    editDisk(root.path, start);
    const { changes } = planFileOf(disk, draft(root.path, [link("a", "more")]));
    expect(changes).toMatchObject([
      { kind: "create", path: "more", after: { source: { path: "a" } } },
    ]);
    expect(changes[0]).not.toHaveProperty("after.content");
  });
});

describe("a file that gets another name while its change is pending", () => {
  test("shows the new bytes under both names", async () => {
    using root = TemporaryRoot.inMemory();
    editDisk(root.path, [write("file", "old")]);
    const changes = draft(root.path, [write("file", "new")]);
    const plan = JSON.stringify(planFileOf(disk, changes));
    const wanted = (text: string) => [
      `file 644 ${owner} "${text}"`,
      `file 644 ${owner} "${text}" = file`,
    ];
    const owner = `${process.getuid?.()}:${process.getgid?.()}`;
    editDisk(root.path, [link("file", "late")]);
    await commitChangeSet(open(root.path), changes);
    expect(Object.values(readTree(root.path))).toEqual(wanted("new"));

    fs.writeFileSync(`${root.path}/file`, "old");
    await commitPlanFile(open(root.path), JSON.parse(plan));
    expect(Object.values(readTree(root.path))).toEqual(wanted("new"));
  });

  test("is a conflict when it is moved as well", async () => {
    using root = TemporaryRoot.inMemory();
    editDisk(root.path, [write("file", "old")]);
    const changes = draft(root.path, [rename("file", "moved"), write("moved", "new")]);
    const before = editDisk(root.path, [link("file", "late")]);
    await expect(commitChangeSet(open(root.path), changes)).rejects.toMatchObject({
      code: "DRAFT_CONFLICT",
      conflicts: [{ reason: "relinked", path: "file" }],
    });
    expect(readTree(root.path)).toEqual(before);
  });
});
