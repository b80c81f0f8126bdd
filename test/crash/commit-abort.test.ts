import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { recoverRoot } from "../../src/recovery/recover-root.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { makeTree, TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import {
  classify,
  commit,
  disturb,
  isStoreSound,
  recover,
  rehearse,
  stagedInStore,
} from "./commit-faults.ts";

const fine: Fault = { kind: "none" };

function isPromotion({ name, path }: DiskCall): boolean {
  return name === "rename" && path?.endsWith("journal/current") === true;
}

test("what somebody else has put where a commit creates the very same stays when it is taken back", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  fs.writeFileSync(at("a"), "a\n");
  const changes = new ChangeBuilder(root.path)
    .write("a", "changed\n")
    .create("same", "same\n")
    .create("other", "other\n")
    .build();
  const disk = new FaultDisk(new NodeDisk(), (call) => {
    // The last moment at which nobody looks any more.
    if (isPromotion(call)) fs.writeFileSync(at("same"), "same\n");
    return fine;
  });
  await expect(commit(disk, root.path, changes)).rejects.toMatchObject({
    code: "DRAFT_COMMIT_FAILED",
    details: { level: "transaction_failure", step: "install" },
  });
  expect(fs.readFileSync(at("a"), "utf8")).toBe("a\n");
  expect(fs.readFileSync(at("same"), "utf8")).toBe("same\n");
  expect(fs.existsSync(at("other"))).toBe(false);
});

test.each(["idx.new", "main.lock"])(
  "of a commit on a full disk that is taken back no %s stays in the store",
  async (end) => {
    using root = TemporaryRoot.inMemory();
    fs.writeFileSync(join(root.path, "a"), "a\n");
    const changes = new ChangeBuilder(root.path).write("a", "changed\n").build();
    let isFull = false;
    let opened: string | undefined;
    const disk = new FaultDisk(new NodeDisk(), ({ name, path }) => {
      if (name === "open") opened = path;
      const isStaged = !isFull && name === "write" && opened?.endsWith(end) === true;
      const isStep = name.startsWith("rename") && path?.endsWith("/a") === true;
      isFull ||= isStaged;
      return isStaged || (isFull && isStep) ? { kind: "error", code: "ENOSPC" } : fine;
    });
    await expect(commit(disk, root.path, changes)).rejects.toMatchObject({
      code: "DRAFT_COMMIT_FAILED",
    });
    expect(isFull).toBe(true);
    expect(fs.readFileSync(join(root.path, "a"), "utf8")).toBe("a\n");
    expect(stagedInStore(root.path)).toEqual([]);
  },
);

const takings: readonly [string, (builder: ChangeBuilder) => ChangeBuilder][] = [
  ["replaces it", (builder) => builder.write("z", "ours\n")],
  ["removes it", (builder) => builder.remove("z")],
  ["moves another one over it", (builder) => builder.rename("y", "z", "z")],
];

test.each(takings)(
  "what somebody saves in a file right before a commit %s stays",
  async (_, take) => {
    for (const isReplaced of [true, false]) {
      using root = TemporaryRoot.inMemory();
      const at = (path: string) => join(root.path, path);
      for (const name of ["a", "y", "z"]) fs.writeFileSync(at(name), `${name}\n`);
      const builder = take(new ChangeBuilder(root.path).write("a", "changed\n"));
      const disk = new FaultDisk(new NodeDisk(), (call) => {
        if (!isPromotion(call)) return fine;
        fs.writeFileSync(at(isReplaced ? "saved" : "z"), "theirs\n");
        if (isReplaced) fs.renameSync(at("saved"), at("z"));
        return fine;
      });
      await expect(commit(disk, root.path, builder.build())).rejects.toMatchObject({
        code: "DRAFT_COMMIT_FAILED",
        message: expect.stringContaining("another program has changed it"),
      });
      const texts = ["a", "y", "z"].map((name) => fs.readFileSync(at(name), "utf8"));
      expect(texts).toEqual(["a\n", "y\n", "theirs\n"]);
    }
  },
);

test("a commit that is taken back says what it had to leave", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  fs.writeFileSync(at("a"), "a\n");
  const changes = new ChangeBuilder(root.path).write("a", "changed\n").createDirectory("b").build();
  const disk = new FaultDisk(new NodeDisk(), ({ name, path }) => {
    if (name !== "mkdir" || path?.endsWith("/b") !== true) return fine;
    fs.writeFileSync(at("a"), "edited meanwhile\n");
    return { kind: "error", code: "ENOSPC" };
  });
  const error: unknown = await commit(disk, root.path, changes).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ details: { kept: [{ path: "a", step: "install" }] } });
  expect(String(error)).toContain('somebody else has been meanwhile: "a"');
  expect(fs.readFileSync(at("a"), "utf8")).toBe("edited meanwhile\n");
});

/** A file with two names, and a commit that gives one of them other bytes, and a directory. */
function shareAndChange(root: string) {
  fs.writeFileSync(join(root, "one"), "shared\n");
  fs.linkSync(join(root, "one"), join(root, "two"));
  return new ChangeBuilder(root).write("two", "own\n", { sameNode: false }).createDirectory("z");
}

function isMakingDirectory({ name, path }: DiskCall): boolean {
  return name === "mkdir" && path?.endsWith("/z") === true;
}

/** A system that lets nobody give a file of others another name (`protected_hardlinks`). */
function refusesNames({ name, path }: DiskCall): boolean {
  return name === "link" && path?.includes("/back-") === true;
}

test.each([true, false])(
  "a name that is put back is one of its file again, or is told to be none (%s)",
  async (isRefused) => {
    using root = TemporaryRoot.inMemory();
    const changes = shareAndChange(root.path).build();
    const disk = new FaultDisk(new NodeDisk(), (call) => {
      if (isRefused && refusesNames(call)) return { kind: "error", code: "EPERM" };
      return isMakingDirectory(call) ? { kind: "error", code: "ENOSPC" } : fine;
    });
    const error: unknown = await commit(disk, root.path, changes).catch((cause: unknown) => cause);
    const inodes = ["one", "two"].map((name) => fs.statSync(join(root.path, name)).ino);
    expect(fs.readFileSync(join(root.path, "two"), "utf8")).toBe("shared\n");
    expect(inodes[0] === inodes[1]).toBe(!isRefused);
    expect(error).toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
    expect(String(error).includes('are files of their own now: "two"')).toBe(isRefused);
  },
);

test("recovery tells of names that it could not put back as such", async () => {
  using root = TemporaryRoot.inMemory();
  const changes = shareAndChange(root.path).build();
  let isDecided = false;
  const dying = new FaultDisk(new NodeDisk(), (call) => {
    if (refusesNames(call)) return { kind: "error", code: "EPERM" };
    if (isPromotion(call)) isDecided = true;
    return isDecided && isMakingDirectory(call) ? { kind: "death" } : fine;
  });
  await commit(dying, root.path, changes).catch(() => undefined);
  const full = new FaultDisk(new NodeDisk(), (call) => {
    return isMakingDirectory(call) ? { kind: "error", code: "ENOSPC" } : fine;
  });
  const report = await recoverJournal(openCommitStore(full, stateDirectoryOf(root.path)));
  expect(report).toMatchObject({ outcome: "taken-back", parted: ["two"] });
  expect(report.leftToPerson).toEqual([
    '"two" was one of several names of a file, and is a file of its own now.',
  ]);
});

test("an operation that recovery takes back leaves no checkpoint, wherever it dies", async () => {
  const outcomes = await rehearse();
  let tried = 0;
  for (let skip = 0; ; skip += 3) {
    using root = TemporaryRoot.inMemory();
    makeTree(root.path);
    let isDecided = false;
    let steps = 0;
    await disturb(root.path, (call) => {
      if (isDecided && call.changes && steps++ === 12) return { kind: "death" };
      if (isPromotion(call)) isDecided = true;
      return fine;
    });
    // It cannot be finished, is published all the same, and taken back; then the process dies.
    let isTakenBack = false;
    let changes = 0;
    const store = openCommitStore(
      new FaultDisk(new NodeDisk(), (call) => {
        if (isTakenBack && call.changes && changes++ === skip) return { kind: "death" };
        if (isPromotion(call)) isTakenBack = true;
        const isRefused = call.name === "mkdir" && call.path?.endsWith("/empty");
        return isRefused ? { kind: "error", code: "EACCES" } : fine;
      }),
      stateDirectoryOf(root.path),
    );
    const hasDied = await recoverJournal(store, { waitMs: 200 }).then(
      () => false,
      () => true,
    );
    await recover(root.path);
    expect(classify(root.path, outcomes), `death at change ${skip}`).toBe("old");
    const objects = openCommitStore(new NodeDisk(), stateDirectoryOf(root.path)).objects;
    expect([...checkpoints(objects)], `death at change ${skip}`).toEqual([]);
    if (skip % 4 === 0) expect(isStoreSound(root.path)).toBe(true);
    tried += 1;
    if (!hasDied) break;
  }
  expect(tried).toBeGreaterThan(5);
});

test("names that a commit takes from a file are names of that file again when it is taken back", async () => {
  using root = TemporaryRoot.inMemory();
  const at = (path: string) => join(root.path, path);
  for (const name of ["removed", "replaced", "covered", "written"]) {
    fs.writeFileSync(at(name), `${name}\n`);
    fs.linkSync(at(name), at(`${name}, other name`));
  }
  fs.writeFileSync(at("moving"), "moving\n");
  const before = readTree(root.path);
  const changes = new ChangeBuilder(root.path)
    .remove("removed")
    .write("replaced", "another file\n")
    .rename("moving", "covered", "covered")
    .write("written", "the same file\n", { sameNode: true })
    .createDirectory("zz")
    .build();
  const disk = new FaultDisk(new NodeDisk(), ({ name, path }) =>
    name === "chmod" && path?.endsWith("/zz") === true ? { kind: "error", code: "EIO" } : fine,
  );
  const error = await commit(disk, root.path, changes).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
  expect(readTree(root.path)).toEqual(before);
  for (const name of ["removed", "replaced", "covered", "written"]) {
    expect(fs.statSync(at(name)).nlink, name).toBe(2);
  }
});

test.each([0, 1])(
  "of %i operations, none is one of those that were taken back, and none is missed",
  async (carriedOut) => {
    using root = TemporaryRoot.inMemory();
    const change = (name: string) =>
      new ChangeBuilder(root.path).create(`${name}.txt`, name).createDirectory(name).build();
    const store = () => openCommitStore(new NodeDisk(), stateDirectoryOf(root.path));
    if (carriedOut > 0) await commit(new NodeDisk(), root.path, change("first"));
    for (const name of ["one", "two", "three"]) {
      const refusing = new FaultDisk(new NodeDisk(), (call) => {
        const isLast = call.name === "mkdir" && call.path?.endsWith(`/${name}`) === true;
        return isLast ? { kind: "error", code: "EBUSY" } : fine;
      });
      const attempt = commit(refusing, root.path, change(name));
      await expect(attempt).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
      expect(await verifyStore(store())).toMatchObject({ isSound: true, operations: carriedOut });
      await recoverRoot(store());
      expect([...checkpoints(store().objects)]).toHaveLength(carriedOut);
    }
    fs.rmSync(join(root.path, ".draftfs/checkpoints.git/refs"), { recursive: true });
    expect((await verifyStore(store())).isSound).toBe(carriedOut === 0);
    await recoverRoot(store());
    expect([...checkpoints(store().objects)]).toHaveLength(carriedOut);
  },
);
