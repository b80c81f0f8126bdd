import type { Disk } from "../../disk/disk.ts";
import type { Stamp } from "../../disk/stamp.ts";
import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import { packedContentBytesMax } from "../../limits.ts";
import type { Conflict, ConflictReason } from "../conflict.ts";
import type { Expectation } from "../plan/plan.ts";
import type { Directories } from "../tree/directories.ts";
import { stateOf } from "../tree/images.ts";
import { touchesAttributes } from "./examine.ts";

/** What was found at a place that holds what a change is based on. */
export interface Seen {
  readonly expectation: Expectation;
  readonly stamp: Stamp | undefined;
  /** Whether this commit gives the file further names for a moment, by whichever name it has. */
  readonly isRelinked?: boolean;
  /** Whether it is a file without extended attributes; its ctime tells if any come. */
  readonly isBare?: boolean;
}

/**
 * The places that have changed since they were examined: staging and waiting for the device take
 * their time, and what is renamed over or removed afterwards is not looked at again. One lstat for
 * each place that holds something, and one for each directory.
 *
 * A stamp decides here, for there is no time to read anything. A file that was given other times
 * meanwhile is a conflict too; the next attempt sees that its content is the same.
 */
export function findMovedOn(
  disk: Disk,
  directories: Directories,
  seen: readonly Seen[],
): Conflict[] {
  const conflicts: Conflict[] = [];
  const kept = new Map<TreePath, boolean>();
  for (const { expectation, stamp, isRelinked = false } of seen) {
    const directory = parentOf(expectation.path);
    let isKept = kept.get(directory);
    if (isKept === undefined) {
      isKept = directories.keepsParent(expectation.path);
      kept.set(directory, isKept);
    }
    if (!isKept) {
      conflicts.push(conflictOf(disk, directories, expectation, "unreachable", undefined));
      continue;
    }
    // What a create puts in place does not run over anything.
    if (stamp === undefined && expectation.change.kind !== "rename") continue;
    const now = directories.find(expectation.path);
    const reason = reasonOf(expectation, stamp, now, isRelinked);
    if (reason !== undefined)
      conflicts.push(conflictOf(disk, directories, expectation, reason, now));
  }
  return conflicts;
}

function reasonOf(
  expectation: Expectation,
  seen: Stamp | undefined,
  now: Stamp | undefined,
  isRelinked: boolean,
): ConflictReason | undefined {
  if (now === undefined) return seen === undefined ? undefined : "vanished";
  if (seen === undefined) return "appeared";
  if (now.kind !== seen.kind) return now.kind === "other" ? "unsupported" : "retyped";
  return isUntouched(expectation, seen, now, isRelinked) ? undefined : "changed";
}

function isUntouched(
  expectation: Expectation,
  seen: Stamp,
  now: Stamp,
  isRelinked: boolean,
): boolean {
  if (now.ino !== seen.ino || now.dev !== seen.dev) return false;
  if (seen.kind === "directory") {
    // Its times tell of what is in it, which is looked at by itself.
    return hasSameAccess(now, seen) || !touchesAttributes(expectation);
  }
  if (now.size !== seen.size || now.mtimeNs !== seen.mtimeNs) return false;
  if (now.ctimeNs === seen.ctimeNs) return true;
  // A large file may have been given another name, by this very commit.
  return (isRelinked || seen.size > packedContentBytesMax) && hasSameAccess(now, seen);
}

function hasSameAccess(now: Stamp, seen: Stamp): boolean {
  return now.mode === seen.mode && now.uid === seen.uid && now.gid === seen.gid;
}

function conflictOf(
  disk: Disk,
  directories: Directories,
  { path, change, before }: Expectation,
  reason: ConflictReason,
  now: Stamp | undefined,
): Conflict {
  const target = now?.kind === "symlink" ? disk.readlink(directories.locate(path)) : undefined;
  const state = now && stateOf(now, target);
  const theirs = state && { state, stamp: now };
  const ours = change.kind === "delete" ? undefined : change.after;
  return { reason, path, change, base: before, ours, theirs };
}
