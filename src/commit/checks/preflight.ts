import { dataBytesOf } from "../../disk/data-pieces.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { absoluteOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import { packedContentBytesMax, spareDiskBytes } from "../../limits.ts";
import { OldPlaces } from "../change-set/old-places.ts";
import type { CommitStore } from "../commit-store.ts";
import type { CommitPlan } from "../plan/plan.ts";
import type { Purpose } from "../purpose.ts";
import { type Directories, isAbsentDirectory } from "../tree/directories.ts";
import type { CheckFinding } from "./check-finding.ts";

/** What the kernel says when something may not be made in a directory, whoever asks. */
const refusals: Readonly<Record<string, string>> = {
  EACCES: "its directory may not be written to; check its permissions",
  EPERM: "its directory is immutable; lift that first (chattr -i)",
  EROFS: "its file system is mounted read-only",
};

/**
 * Looks for what would make a step of the plan fail: directories that nothing can be put into or
 * taken out of, and too little room. Better now than in the middle, where it would be taken back.
 *
 * Whether a directory can be changed is asked and tried, not computed from modes: access lists,
 * capabilities, immutable flags and read-only mounts all have their say. Nothing becomes visible
 * by it.
 */
export function preflight(
  store: CommitStore,
  directories: Directories,
  plan: CommitPlan,
  purpose: Purpose,
): CheckFinding[] {
  return [
    ...checkDirectories(store, directories, plan),
    ...checkSpace(store, plan, purpose),
    ...checkFiles(store, plan),
  ];
}

function checkDirectories(
  store: CommitStore,
  directories: Directories,
  plan: CommitPlan,
): CheckFinding[] {
  if (openFlags.nameless === 0) return [];
  const findings: CheckFinding[] = [];
  for (const [directory, path] of touchedDirectories(plan)) {
    const refusal = refusalOf(store, directories, directory);
    if (refusal === undefined) continue;
    findings.push({ path, check: "permission", severity: "error", message: refusal });
  }
  return findings;
}

/** Directories of the old tree in which names change, each with one path that needs it. */
function touchedDirectories({ changeSet }: CommitPlan): Map<TreePath, TreePath> {
  const places = new OldPlaces(changeSet.changes);
  const touched = new Map<TreePath, TreePath>();
  const opened = new Set<TreePath>();
  for (const change of changeSet.changes) {
    const isDirectory = change.kind === "modify" && change.before.state.kind === "directory";
    // A directory that the same commit opens up may be closed as yet.
    if (isDirectory && change.aspects.includes("mode")) opened.add(places.placeOf(change.path));
    const { kind } = change;
    if (kind === "modify" && !change.aspects.some((aspect) => renaming.has(aspect))) continue;
    touched.set(parentOf(places.placeOfChange(change)), change.path);
    if (kind === "rename") touched.set(parentOf(change.from), change.path);
  }
  for (const directory of opened) touched.delete(directory);
  return touched;
}

const renaming: ReadonlySet<string> = new Set(["content", "target", "type"]);

/**
 * access(2) is asked first, which costs a tenth of making a file. It judges by the real ids of the
 * process and by fewer capabilities than it may have; so what it refuses is tried all the same.
 */
function refusalOf(
  { disk }: CommitStore,
  directories: Directories,
  directory: TreePath,
): string | undefined {
  try {
    const place = directories.inside(directory);
    if (isOneUser() && disk.isChangeable(place)) return undefined;
    disk.close(disk.open(place, openFlags.nameless, 0o600));
    return undefined;
  } catch (error) {
    // Not there yet: made by the same commit. Others: a file system that does not know nameless
    // files.
    if (isAbsentDirectory(error)) return undefined;
    return refusals[(error as NodeJS.ErrnoException).code ?? ""];
  }
}

/** Whether the process acts as the user whom access(2) judges. */
function isOneUser(): boolean {
  return process.geteuid?.() === process.getuid?.() && process.getegid?.() === process.getgid?.();
}

function checkSpace(
  { disk, state }: CommitStore,
  plan: CommitPlan,
  purpose: Purpose,
): CheckFinding[] {
  const needed = purpose.isBack ? stagedBytesOf(plan) : committedBytesOf(plan);
  const free = disk.freeBytes(absoluteOf(state.root, ""));
  if (free >= needed) return [];
  const spare = purpose.isBack
    ? ""
    : `${spareDiskBytes} of them room to spare, for the journal, checkpoints and directories; `;
  const message = `it needs about ${needed} bytes, ${spare}the disk has ${free}; free some space`;
  return [{ path: "", check: "space", severity: "error", message }];
}

/** A file system has a number of inodes, which many small files use up before its room. */
function checkFiles({ disk, state }: CommitStore, plan: CommitPlan): CheckFinding[] {
  const needed =
    plan.staged.filter(({ after }) => after.content?.spilled === undefined).length +
    plan.steps.filter(({ kind }) => kind === "mkdir").length;
  if (needed === 0) return [];
  const free = disk.freeFiles(absoluteOf(state.root, ""));
  if (free >= needed) return [];
  const message =
    `it needs ${needed} new files and directories, the file system has room for ${free} ` +
    "(inodes: df -i), however many bytes are free; remove files";
  return [{ path: "", check: "space", severity: "error", message }];
}

/**
 * What puts something back: the store holds that already, and nothing is asked for to spare. It may
 * be what makes room on a full disk, and there is no level of checks to get around this one.
 */
function stagedBytesOf({ staged }: CommitPlan): number {
  let needed = 0;
  for (const { after } of staged) {
    if (after.content !== undefined) needed += dataBytesOf(after.content);
  }
  return needed;
}

function committedBytesOf(plan: CommitPlan): number {
  let needed = spareDiskBytes;
  for (const { after } of plan.staged) {
    if (after.content === undefined) continue;
    // Once in its staged file, once in the pack unless it is large; what spilled is there already.
    if (after.content.spilled !== undefined) continue;
    const isPacked = after.content.size <= packedContentBytesMax;
    needed += isPacked ? after.content.size * 2 : dataBytesOf(after.content);
  }
  for (const { before } of plan.expectations) {
    // What is large is kept by a second name, which takes no room.
    if (before?.state.kind !== "file" || before.state.size > packedContentBytesMax) continue;
    needed += before.state.size;
  }
  return needed;
}
