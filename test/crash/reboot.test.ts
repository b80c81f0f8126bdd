import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { type RecoveryReport, recoverJournal } from "../../src/commit/recover/recover.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { makeChanges, makeTree, TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { MachineDisk } from "./block/machine-disk.ts";

/** Longer than a tick of the kernel's clock: what is done next bears another time. */
const tickMs = 25;

function open(root: string, boot: number) {
  const bootId = `00000000-0000-4000-8000-00000000000${boot}`;
  return openCommitStore(new MachineDisk(bootId), stateDirectoryOf(root));
}

async function commit(root: string): Promise<(path: string) => string> {
  makeTree(root);
  await commitChangeSet(open(root, 1), makeChanges(root));
  await delay(tickMs);
  return (path) => join(root, path);
}

/** Recovers after a reboot; the tree must not change by it. */
async function expectUntouched(root: string): Promise<RecoveryReport> {
  const before = readTree(root, { times: true });
  const report = await recoverJournal(open(root, 2));
  expect(readTree(root, { times: true })).toEqual(before);
  return report;
}

test("a reboot leaves alone what was deleted, put back, moved back and chmodded after a commit", async () => {
  using root = TemporaryRoot.inMemory();
  const at = await commit(root.path);
  fs.unlinkSync(at("dated"));
  fs.unlinkSync(at("dangling"));
  fs.unlinkSync(at("shared-3"));
  fs.rmdirSync(at("empty"));
  // As rsync --delete does it.
  fs.unlinkSync(at("old/file"));
  fs.utimesSync(at("old"), 1_100_000_000, 1_100_000_000);
  // As git checkout and cp -p do it.
  fs.unlinkSync(at("changed"));
  fs.writeFileSync(at("changed"), "changed: old\n");
  fs.writeFileSync(at("executable.new"), "#!/bin/sh\n");
  fs.utimesSync(at("executable.new"), 1_600_000_000, 1_600_000_000);
  fs.renameSync(at("executable.new"), at("executable"));
  fs.writeFileSync(at("removed"), "removed\n");
  fs.renameSync(at("arrived"), at("moved"));
  fs.chmodSync(at("chmodded"), 0o644);
  fs.chmodSync(at("out"), 0o600);
  fs.chmodSync(at("sealed"), 0o755);
  fs.writeFileSync(at("shared-1"), "one inode, two names\n");
  fs.writeFileSync(at("file-to-directory/new"), "newer\n");
  const report = await expectUntouched(root.path);
  expect(report).toMatchObject({ outcome: "finished", redone: 0, kept: [] });
  expect(fs.existsSync(at(".draftfs/conflicts/1"))).toBe(false);
});

test("a reboot right after a commit changes nothing and reports nothing", async () => {
  using root = TemporaryRoot.inMemory();
  await commit(root.path);
  expect(await expectUntouched(root.path)).toMatchObject({ redone: 0, kept: [] });
});

test("without a note of how far it came, what was put back since is kept and reported", async () => {
  using root = TemporaryRoot.inMemory();
  const at = await commit(root.path);
  fs.unlinkSync(at(".draftfs/journal/progress"));
  fs.unlinkSync(at("changed"));
  fs.writeFileSync(at("changed"), "changed: old\n");
  fs.writeFileSync(at("removed"), "removed\n");
  fs.chmodSync(at("chmodded"), 0o640);
  fs.chmodSync(at("dated"), 0o400);
  const { kept } = await expectUntouched(root.path);
  expect(kept).toEqual([
    { path: "removed", step: "remove", savedAs: null },
    { path: "changed", step: "install", savedAs: ".draftfs/conflicts/1/changed" },
  ]);
});

test("what a power cut has lost is carried out again, beside what has been changed since", async () => {
  using root = TemporaryRoot.inMemory();
  const at = await commit(root.path);
  const wanted = readTree(root.path);
  const note = fs.readFileSync(at(".draftfs/journal/progress"), "utf8");
  const [applied, sequence, bootId] = note.split(" ");
  // As if all of what follows had happened before the last step: it bears no later time.
  fs.unlinkSync(at("dated"));
  fs.rmdirSync(at("empty"));
  fs.truncateSync(at("changed"), 0);
  fs.utimesSync(at("changed"), 1_600_000_000, 1_600_000_000);
  fs.unlinkSync(at("dated-new/file"));
  const inYearsMs = Date.now() + 1e11;
  fs.utimesSync(at("dated-new"), inYearsMs / 1000, inYearsMs / 1000);
  await delay(tickMs);
  fs.writeFileSync(
    at(".draftfs/journal/progress"),
    `${applied} ${sequence} ${bootId} ${Date.now()}\n`,
  );
  await delay(tickMs);
  fs.writeFileSync(at("arrived/kept"), "edited after the commit\n");
  const report = await recoverJournal(open(root.path, 2));
  expect(report).toMatchObject({ redone: 6, kept: [] });
  const found = readTree(root.path);
  expect(found["arrived/kept"]).toContain("edited");
  expect({ ...found, "arrived/kept": "" }).toEqual({ ...wanted, "arrived/kept": "" });
});
