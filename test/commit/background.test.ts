import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import type { CreationFailure, FileCreation } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { backgroundFilesMin } from "../../src/limits.ts";
import { ChangeBuilder } from "./change-builder.ts";
import { TemporaryRoot } from "./scenario.ts";

/** Creates nothing before it is waited for, and then all but one file, if so wished. */
class LateCreation implements FileCreation {
  readonly paths: string[] = [];
  readonly #create: (() => void)[] = [];
  readonly #failAt: number | undefined;
  readonly #beforeEnd: () => void;

  constructor(failAt: number | undefined, beforeEnd: () => void = () => undefined) {
    this.#failAt = failAt;
    this.#beforeEnd = beforeEnd;
  }

  add(path: string, mode: number, bytes: Uint8Array): boolean {
    const copy = Buffer.from(bytes);
    // Every third one is left to the caller.
    if (this.paths.length % 3 === 2 && !this.paths.includes(path)) {
      this.paths.push("");
      return false;
    }
    this.paths.push(path);
    this.#create.push(() => fs.writeFileSync(path, copy, { mode, flag: "wx" }));
    return true;
  }

  async finish(): Promise<CreationFailure | undefined> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    this.#beforeEnd();
    for (const [index, create] of this.#create.entries()) {
      if (index !== this.#failAt) create();
    }
    if (this.#failAt === undefined) return undefined;
    const path = this.paths.filter((each) => each !== "")[this.#failAt] ?? "";
    const error = Object.assign(new Error("ENOSPC: no space left on device, write"), {
      code: "ENOSPC",
    });
    return { path, error };
  }
}

class LateDisk extends NodeDisk {
  readonly #creation: FileCreation;
  started = 0;

  constructor(creation: FileCreation) {
    super();
    this.#creation = creation;
  }

  override createInBackground(): FileCreation {
    this.started += 1;
    return this.#creation;
  }
}

function prepare(root: string, count: number) {
  for (let index = 0; index < count; index++) {
    fs.writeFileSync(join(root, `file-${index}`), `old ${index}`);
  }
  const builder = new ChangeBuilder(root);
  for (let index = 0; index < count; index++) builder.write(`file-${index}`, `new ${index}`);
  return builder.build();
}

function contentsOf(root: string): string[] {
  return fs
    .readdirSync(root)
    .filter((name) => name.startsWith("file-"))
    .map((name) => fs.readFileSync(join(root, name), "utf8").replace(/ \d+$/, ""));
}

test("a commit is not decided before the background has created the last file", async () => {
  using root = TemporaryRoot.inMemory();
  const changeSet = prepare(root.path, backgroundFilesMin);
  const state = stateDirectoryOf(root.path);
  let isDecided: boolean | undefined;
  const creation = new LateCreation(undefined, () => {
    isDecided = fs.existsSync(state.journalCurrent);
  });
  const disk = new LateDisk(creation);
  await commitChangeSet(openCommitStore(disk, state), changeSet);
  expect(disk.started).toBe(1);
  expect(creation.paths.length).toBeGreaterThan(100);
  expect(isDecided).toBe(false);
  expect(new Set(contentsOf(root.path))).toEqual(new Set(["new"]));
});

test.each(["durable", "full"] as const)(
  "a file that the background cannot create stops a %s commit, and nothing has changed",
  async (durability) => {
    using root = TemporaryRoot.inMemory();
    const changeSet = prepare(root.path, backgroundFilesMin);
    const state = stateDirectoryOf(root.path);
    const store = openCommitStore(new LateDisk(new LateCreation(7)), state);
    const refusal = commitChangeSet(store, changeSet, { durability });
    // The eighth that was taken: every third one is refused.
    const path = changeSet.changes[10]?.path;
    await expect(refusal).rejects.toMatchObject({ code: "DRAFT_COMMIT_FAILED", path });
    await expect(refusal).rejects.toThrow(/The disk is full; free some space/);
    expect(new Set(contentsOf(root.path))).toEqual(new Set(["old"]));
    expect(fs.readdirSync(state.staging)).toEqual([]);
    expect(fs.existsSync(state.lock)).toBe(false);
    await commitChangeSet(openCommitStore(new NodeDisk(), state), changeSet);
    expect(new Set(contentsOf(root.path))).toEqual(new Set(["new"]));
  },
);

test("a conflict that is found while files are created leaves nothing of them", async () => {
  using root = TemporaryRoot.inMemory();
  const changeSet = prepare(root.path, backgroundFilesMin);
  fs.writeFileSync(join(root.path, "file-5"), "somebody else's");
  const state = stateDirectoryOf(root.path);
  const store = openCommitStore(new LateDisk(new LateCreation(undefined)), state);
  await expect(commitChangeSet(store, changeSet)).rejects.toMatchObject({ code: "DRAFT_CONFLICT" });
  expect(fs.readdirSync(state.staging)).toEqual([]);
  expect(fs.readFileSync(join(root.path, "file-5"), "utf8")).toBe("somebody else's");
});

test("few files, and strict checks, need no background", async () => {
  using root = TemporaryRoot.inMemory();
  const disk = new LateDisk(new LateCreation(undefined));
  const store = openCommitStore(disk, stateDirectoryOf(root.path));
  const changeSet = prepare(root.path, backgroundFilesMin);
  await commitChangeSet(store, changeSet, { checks: "strict" });
  const builder = new ChangeBuilder(root.path);
  builder.write("file-0", "newer");
  await commitChangeSet(store, builder.build());
  expect(disk.started).toBe(0);
});
