import {
  type After,
  type Before,
  type Change,
  type ModifyChange,
  namesOf,
  type RenameChange,
} from "../change-set/change-set.ts";
import type { Conflict } from "../conflict.ts";
import { stateOf } from "../tree/images.ts";
import type { Seen } from "./recheck.ts";

/** What the names of the files that were found say about how they may be changed. */
export interface SharedNodes {
  /** Files that have got other names since the change was made: they are written in place. */
  readonly written: ReadonlySet<After>;
  /** Files whose names are others than the change needs. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Compares the hard links of files that are changed with those that the changes were made for. A
 * file with several names is written in place, so that all of them keep showing it; where that
 * would change another set of names than the one that was looked at, nothing is changed.
 *
 * - A plan file may be applied to another tree, whose files need not be linked as those of the
 *   first: the names that it does not touch would not change along, or others would.
 * - Names that one node showed may lead to several by now.
 * - A file that moves and gets new bytes may have got another name, which the move leaves behind.
 */
export function compareNames(seen: readonly Seen[]): SharedNodes {
  const written = new Set<After>();
  const conflicts: Conflict[] = [];
  const nodes = new Map<number, bigint>();
  for (const { expectation, stamp } of seen) {
    const { change, before, path } = expectation;
    if (stamp?.kind !== "file" || before === undefined || !changesNode(change, before)) continue;
    const { after } = change;
    const names = namesOf(before);
    const isWritten = change.aspects.includes("content");
    const hasJoined = isWritten && names === 1 && stamp.nlink > 1;
    const isElsewhere = before.stamp === undefined && names > 1 && names !== stamp.nlink;
    let isRelinked = isElsewhere || (hasJoined && change.kind === "rename");
    if (hasJoined && !isRelinked) written.add(after);
    if (isWritten && names > 1 && after.linkGroup !== undefined) {
      const first = nodes.get(after.linkGroup) ?? stamp.ino;
      nodes.set(after.linkGroup, first);
      isRelinked ||= first !== stamp.ino;
    }
    if (!isRelinked) continue;
    const state = stateOf(stamp, undefined);
    const theirs = state && { state, stamp };
    conflicts.push({ reason: "relinked", path, change, base: before, ours: after, theirs });
  }
  return { written, conflicts };
}

/** The numbers of the files that were found to have several names. */
export function sharedInodesOf(seen: readonly Seen[]): Set<string> {
  const inodes = new Set<string>();
  for (const { stamp } of seen) {
    if (stamp?.kind === "file" && stamp.nlink > 1) inodes.add(String(stamp.ino));
  }
  return inodes;
}

/** Whether a change is one of the very node that is expected at the place. */
function changesNode(change: Change, before: Before): change is ModifyChange | RenameChange {
  if (change.kind !== "modify" && change.kind !== "rename") return false;
  const { after, aspects } = change;
  return change.before === before && aspects.length > 0 && after.sameNode === true;
}
