import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { readTree, type TreeLines } from "../commit/tree.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { commit } from "./commit-faults.ts";

function fill(root: string): void {
  for (const name of ["one", "two", "old"]) {
    fs.mkdirSync(join(root, name, "in"), { recursive: true });
    fs.writeFileSync(join(root, name, "in/file"), `${name}\n`);
  }
  fs.writeFileSync(join(root, "plain"), "plain\n");
}

const scenarios: readonly [string, (root: string) => ChangeSet][] = [
  ["moves of directories", (root) => new ChangeBuilder(root).rename("one", "uno").build()],
  [
    "moves of directories into one another",
    (root) => new ChangeBuilder(root).rename("one", "uno").rename("two/in", "uno/more").build(),
  ],
  [
    "directories that change places",
    (root) => new ChangeBuilder(root).rename("one", "two").rename("two", "one").build(),
  ],
  [
    "a chain of moves",
    (root) => new ChangeBuilder(root).rename("one", "two").rename("two", "three").build(),
  ],
  [
    "moved and changed files, and directories that vanish",
    (root) =>
      new ChangeBuilder(root)
        .rename("plain", "moved")
        .write("one/in/file", "new\n")
        .remove("old/in/file")
        .remove("old/in")
        .remove("old")
        .build(),
  ],
];

/** What a tree shows, whatever its inodes are. */
function shown(root: string): [string, string][] {
  return Object.entries(readTree(root) as TreeLines).filter(
    ([path]) => !path.startsWith(".draftfs"),
  );
}

/** Copies a root with what lies beside its files, as a backup does. */
function copyOf(root: string): string {
  const copy = `${root}-copy`;
  execFileSync("cp", ["-a", root, copy]);
  return copy;
}

const recover = (root: string) =>
  recoverJournal(openCommitStore(new FaultDisk(new NodeDisk()), stateDirectoryOf(root)));

describe.each(scenarios)("a copy of a root in the middle of a commit of %s", (name, changesOf) => {
  it("is brought to the old or the new state, or left as it is with an error", async () => {
    const outcomes = { old: 0, new: 0, refused: 0 };
    for (let at = 0; ; at++) {
      using place = TemporaryRoot.inMemory();
      const root = join(place.path, "root");
      fs.mkdirSync(root);
      fill(root);
      const old = shown(root);
      let number = 0;
      const disk = new FaultDisk(new NodeDisk(), ({ changes }) =>
        changes && number++ === at ? { kind: "death" } : { kind: "none" },
      );
      const died = await commit(disk, root, changesOf(root)).then(
        () => false,
        () => true,
      );
      if (!died) break;
      const copy = copyOf(root);
      const left = shown(copy);
      const error = await recover(copy).then(
        () => undefined,
        (reason: unknown) => reason as { code: string; message: string },
      );
      const now = shown(copy);
      if (error !== undefined) {
        expect(error).toMatchObject({
          code: "DRAFT_RECOVERY_FAILED",
          message: expect.stringContaining("copy"),
        });
        expect(now).toEqual(left);
        outcomes.refused++;
      }
      await recover(root);
      const whole = shown(root);
      const isNew = JSON.stringify(whole) !== JSON.stringify(old);
      if (error === undefined) {
        expect({ at, tree: now }).toEqual({ at, tree: isNew ? whole : old });
        outcomes[isNew ? "new" : "old"]++;
      }
    }
    expect(outcomes.old).toBeGreaterThan(3);
    expect(outcomes.new).toBeGreaterThan(2);
    // Which of two directories is which when none waits in its slot, nothing tells.
    expect(outcomes.refused > 0).toBe(name === "directories that change places");
  });
});
