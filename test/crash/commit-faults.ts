import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { settleIfFree } from "../../src/commit/journal/settle.ts";
import type { CommitOptions } from "../../src/commit/options.ts";
import { type RecoveryReport, recoverJournal } from "../../src/commit/recover/recover.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { isDraftError } from "../../src/errors.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { makeChanges, makeTree, TemporaryRoot } from "../commit/scenario.ts";
import { readTree, type TreeLines } from "../commit/tree.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import { ImpatientDisk } from "./impatient-disk.ts";

/** The two trees that a commit may leave. */
export interface Outcomes {
  readonly old: TreeLines;
  readonly new: TreeLines;
  /** The calls of an undisturbed commit. */
  readonly calls: readonly DiskCall[];
}

/**
 * Where the record of the commit goes: into files of its own, as those of the first commit of a root
 * and of large ones do, or into a slot.
 */
export type JournalForm = "files" | "slots";

/** Files of the scenario with one name each, which changes replace, remove or move. */
const plainFiles = ["changed", "executable", "removed", "moved/inside", "moved/deep/gone"];

/**
 * Makes the tree of the scenario, in a root whose next small commit writes such a record. With slots
 * it has been committed before, so that the store holds already what some changes replace.
 */
export async function makeRoot(root: string, form: JournalForm = "files"): Promise<void> {
  makeTree(root);
  if (form === "files") return;
  const store = openCommitStore(new ImpatientDisk(), stateDirectoryOf(root));
  const changes = new ChangeBuilder(root).create("first", "makes the slots\n", { mode: 0o644 });
  for (const path of plainFiles) changes.write(path, fs.readFileSync(join(root, path)));
  await commitChangeSet(store, changes.build());
  await settleIfFree(store);
}

/** Runs the commit of the scenario undisturbed, to know its calls and both trees. */
export async function rehearse(
  options: CommitOptions = {},
  form: JournalForm = "files",
): Promise<Outcomes> {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, form);
  const old = treeOf(root.path);
  const disk = new FaultDisk(new NodeDisk());
  await commit(disk, root.path, makeChanges(root.path), options);
  return { old, new: treeOf(root.path), calls: disk.calls };
}

/** The tree as {@link classify} tells it. */
export function treeOf(root: string): TreeLines {
  return readTree(root, { directoryTimes: true });
}

export async function commit(
  disk: Disk,
  root: string,
  changes: ChangeSet,
  options: CommitOptions = {},
): Promise<void> {
  await commitChangeSet(openCommitStore(disk, stateDirectoryOf(root)), changes, options);
}

/** How a disturbed commit ended: its error, or that it did not notice. */
export async function disturb(
  root: string,
  faultAt: (call: DiskCall) => Fault,
  options: CommitOptions = {},
): Promise<unknown> {
  const disk = new FaultDisk(new NodeDisk(), faultAt);
  try {
    await commit(disk, root, makeChanges(root), options);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Whether a record is in force from this call on, for processes that go on living. */
export function isPromotion({ name, path }: DiskCall): boolean {
  return (name === "rename" && path?.endsWith("journal/current") === true) || name === "fdatasync";
}

/** Recovers with a disk in order, as the next process would. */
export async function recover(
  root: string,
  disk: Disk = new FaultDisk(new NodeDisk()),
): Promise<RecoveryReport> {
  const store = openCommitStore(disk, stateDirectoryOf(root));
  return await recoverJournal(store, { waitMs: 200 });
}

/**
 * Which of the two trees lies on the disk; a description of the difference when it is neither.
 *
 * @param arePartsTold whether recovery has told of names that are files of their own now.
 */
export function classify(
  root: string,
  outcomes: Outcomes,
  arePartsTold = false,
): "old" | "new" | string {
  const tree = (lines: TreeLines): string => {
    const rows = sorted(lines);
    if (!arePartsTold) return JSON.stringify(rows);
    return JSON.stringify(rows.map(([path, line]) => [path, line.replace(/ = [^"]*$/, "")]));
  };
  const found = tree(treeOf(root));
  if (found === tree(outcomes.old)) return "old";
  if (found === tree(outcomes.new)) return "new";
  return `mixed: ${JSON.stringify(differences(treeOf(root), outcomes), null, 1)}`;
}

/** Whether the checkpoint store passes git's own check; absent is sound. */
export function isStoreSound(root: string): boolean {
  const directory = join(root, ".draftfs", "checkpoints.git");
  if (!fs.existsSync(join(directory, "HEAD"))) return true;
  try {
    execFileSync("git", ["--git-dir", directory, "fsck", "--strict", "--full"], { stdio: "pipe" });
    return true;
  } catch (error) {
    console.error(String((error as { stderr?: Buffer }).stderr ?? ""), error);
    return false;
  }
}

/** What was written beside its place in the checkpoint store and neither went there nor away. */
export function stagedInStore(root: string): readonly string[] {
  const directory = join(root, ".draftfs", "checkpoints.git");
  if (!fs.existsSync(directory)) return [];
  const names = fs.readdirSync(directory, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /\.(lock|new)$/.test(name));
}

export function codeOf(error: unknown): string {
  return isDraftError(error) ? error.code : String(error);
}

function sorted(tree: TreeLines): [string, string][] {
  return Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1));
}

function differences(found: TreeLines, outcomes: Outcomes): Record<string, unknown> {
  const paths = new Set([found, outcomes.old, outcomes.new].flatMap((tree) => Object.keys(tree)));
  const rows: Record<string, unknown> = {};
  for (const path of [...paths].sort()) {
    const [old, now, wanted] = [outcomes.old[path], found[path], outcomes.new[path]];
    if (old !== wanted || now !== old) rows[path] = { old, now, new: wanted };
  }
  return rows;
}
