import fs from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { settleIfFree } from "../../src/commit/journal/settle.ts";
import { prepareCommit } from "../../src/commit/prepare.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";

/** Tells what it is asked to sync, and fails or lingers on demand. */
class TellingDisk extends NodeDisk {
  readonly log: string[] = [];
  answer: () => Promise<boolean> = async () => true;

  override async fsync(): Promise<void> {
    this.log.push("fsync");
  }

  override async fdatasync(): Promise<void> {
    this.log.push("fdatasync");
  }

  override syncfs(): Promise<boolean> {
    this.log.push("syncfs");
    return this.answer();
  }
}

function open(root: string, settlesEarly = true) {
  const disk = new TellingDisk();
  return { disk, store: openCommitStore(disk, stateDirectoryOf(root), { settlesEarly }) };
}

function changesOf(root: string, text: string) {
  return new ChangeBuilder(root).write("file", text).build();
}

function makeRoot(): TemporaryRoot {
  const root = TemporaryRoot.inMemory();
  fs.writeFileSync(join(root.path, "file"), "old\n");
  return root;
}

test("what a commit owes is paid once, right after it, and the next one does not ask again", async () => {
  using root = makeRoot();
  const { disk, store } = open(root.path);
  await commitChangeSet(store, changesOf(root.path, "1"));
  expect(disk.log).not.toContain("syncfs");
  await turn();
  expect(disk.log.at(-1)).toBe("syncfs");
  await commitChangeSet(store, changesOf(root.path, "2"));
  await turn();
  disk.log.length = 0;
  await commitChangeSet(store, changesOf(root.path, "3"));
  await commitChangeSet(store, changesOf(root.path, "4"));
  await settleIfFree(store);
  expect(disk.log).toEqual(["fdatasync", "syncfs", "fdatasync", "syncfs"]);
  const progress = fs.readFileSync(join(root.path, ".draftfs/journal/progress"), "utf8");
  expect(progress).toMatch(/^settled 4 /);
});

test("the next commit waits for a payment that is under way", async () => {
  using root = makeRoot();
  const { disk, store } = open(root.path);
  let pay: (isPaid: boolean) => void = () => undefined;
  disk.answer = () => new Promise((resolve) => (pay = resolve));
  await commitChangeSet(store, changesOf(root.path, "1"));
  const next = commitChangeSet(store, changesOf(root.path, "2"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(fs.readFileSync(join(root.path, "file"), "utf8")).toBe("1");
  pay(true);
  await next;
  expect(fs.readFileSync(join(root.path, "file"), "utf8")).toBe("2");
  pay(true);
});

test("a payment that fails is found by the next commit, and recovery writes anew", async () => {
  using root = makeRoot();
  const { disk, store } = open(root.path);
  disk.answer = async () => {
    throw Object.assign(new Error("EIO: injected"), { code: "EIO" });
  };
  await commitChangeSet(store, changesOf(root.path, "1"));
  const { ino } = fs.statSync(join(root.path, "file"));
  const next = changesOf(root.path, "2");
  await expect(commitChangeSet(store, next)).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED" });
  disk.answer = async () => true;
  expect(await recoverJournal(store)).toMatchObject({ outcome: "finished", redone: 1 });
  expect(fs.readFileSync(join(root.path, "file"), "utf8")).toBe("1");
  expect(fs.statSync(join(root.path, "file")).ino).not.toBe(ino);
});

test("what another process has committed meanwhile is settled for itself", async () => {
  using root = makeRoot();
  const first = open(root.path);
  const second = open(root.path, false);
  await commitChangeSet(first.store, changesOf(root.path, "1"));
  await commitChangeSet(second.store, changesOf(root.path, "2"));
  await turn();
  first.disk.log.length = 0;
  await commitChangeSet(first.store, changesOf(root.path, "3"));
  await turn();
  expect(first.disk.log.filter((call) => call === "syncfs")).toHaveLength(2);
});

test.each(["while it is prepared", "at the last look"])(
  "a commit that meets a conflict %s clears what the one before has left",
  async (when) => {
    using root = makeRoot();
    const { store } = open(root.path);
    await commitChangeSet(store, changesOf(root.path, "1"));
    await commitChangeSet(store, changesOf(root.path, "2"));
    const next = changesOf(root.path, "3");
    const theirs = (): void => fs.writeFileSync(join(root.path, "file"), "theirs");
    if (when === "while it is prepared") theirs();
    const attempt = async (): Promise<void> => {
      const prepared = await prepareCommit(store, next);
      theirs();
      await prepared.publish();
    };
    await expect(attempt()).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
    await settleIfFree(store);
    const left = ["journal", "staging"].flatMap((each) =>
      fs.readdirSync(join(root.path, ".draftfs", each)),
    );
    expect(left.filter((name) => /\.pack$|^commit-/.test(name))).toEqual([]);
  },
);
