import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { After } from "../../src/commit/change-set/change-set.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
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

// Yeachan-Heo/gajae-code#4735, QwenLM/qwen-code#4095, basecamp/basecamp-sdk#936, npm/write-file-atomic#58.
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

/** Does something with the rights of an ordinary user. */
async function asUser<Result>(work: () => Promise<Result>): Promise<Result> {
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([sharedGroup]);
  process.setegid?.(somebody);
  process.seteuid?.(somebody);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

/** A group that the user is in, beside its own. */
const sharedGroup = 54_322;
const isRoot = process.getuid?.() === 0;

function giveToUser(root: string): void {
  fs.chownSync(root, somebody, somebody);
}

test.runIf(isRoot).each(["strict", "normal"] as const)(
  "an ordinary user who replaces another's program gets a warning, at the level %s too",
  async (checks) => {
    using root = TemporaryRoot.inMemory();
    giveToUser(root.path);
    const at = (path: string) => join(root.path, path);
    for (const [name, gid] of [
      ["foreign", 0],
      ["shared", sharedGroup],
    ] as const) {
      fs.writeFileSync(at(name), "old\n");
      fs.chownSync(at(name), 0, gid);
      fs.chmodSync(at(name), 0o6755);
    }
    // To carry them over must not bring back what went with the owner.
    new NodeDisk().attributes?.write(at("foreign"), "user.note", Buffer.from("x"));
    fs.writeFileSync(at("own"), "old\n");
    fs.chownSync(at("own"), somebody, somebody);
    fs.chmodSync(at("own"), 0o6755);
    const before = (path: string) => new ChangeBuilder(root.path).before(path).state;
    const builder = new ChangeBuilder(root.path);
    for (const name of ["foreign", "own", "shared"]) {
      const after = fileAfter("new\n");
      const state = { ...after.state, ...before(name), size: 4, oid: undefined } as After["state"];
      builder.change({
        kind: "modify",
        path: name,
        before: builder.before(name),
        after: { ...after, state },
        aspects: ["content"],
      });
    }
    const changes = builder.build();
    const receipt = await asUser(() =>
      commitChangeSet(openCommitStore(new NodeDisk(), stateDirectoryOf(root.path)), changes, {
        checks,
      }),
    );
    expect(receipt.warnings.filter(({ check }) => check === "owner")).toEqual([
      {
        path: "foreign",
        check: "owner",
        severity: "warning",
        message:
          `it belongs to ${somebody}:${somebody} instead of 0:0; it has lost setuid; ` +
          "it has lost setgid",
      },
      {
        path: "shared",
        check: "owner",
        severity: "warning",
        message:
          `it belongs to ${somebody}:${sharedGroup} instead of 0:${sharedGroup}; ` +
          "it has lost setuid",
      },
    ]);
    const modeOf = (path: string) => fs.statSync(at(path)).mode & 0o7777;
    expect([modeOf("foreign"), modeOf("own"), modeOf("shared")]).toEqual([0o755, 0o6755, 0o2755]);
  },
);

test.runIf(isRoot)(
  "an ordinary user who makes directories and links of others, or gives files away, is told",
  async () => {
    using root = TemporaryRoot.inMemory();
    giveToUser(root.path);
    fs.writeFileSync(join(root.path, "given"), "given\n");
    fs.chownSync(join(root.path, "given"), somebody, somebody);
    const builder = new ChangeBuilder(root.path);
    const given = builder.before("given");
    const changes = builder
      .createDirectory("directory", { mode: 0o2755 })
      .createLink("link", "given")
      .change({
        kind: "modify",
        path: "given",
        before: given,
        after: {
          state: { ...given.state, gid: 0 },
          content: undefined,
          timesSet: false,
          linkGroup: undefined,
        },
        aspects: ["owner"],
      })
      .build();
    const { warnings } = await asUser(() =>
      commitChangeSet(openCommitStore(new NodeDisk(), stateDirectoryOf(root.path)), changes),
    );
    const ours = `${somebody}:${somebody}`;
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      `link: it belongs to ${ours} instead of 0:0`,
      `directory: it belongs to ${ours} instead of 0:0`,
      `given: it belongs to ${ours} instead of ${somebody}:0`,
    ]);
  },
);
