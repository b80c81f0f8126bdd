import { parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type { Step } from "../plan/step.ts";
import { Directories } from "../tree/directories.ts";
import { Moves } from "../tree/moves.ts";

/**
 * The steps of an operation whose places somebody has changed after all of it had been carried out:
 * what lies there now, or no longer does, is the life of the tree and not what a crash has left.
 *
 * The inode of what lies there tells by its ctime, which nobody can set; where nothing does, that
 * of the directory that it was taken from. What a power cut has lost bears no such time: changes
 * and their times go together.
 *
 * To be asked before anything is carried out again, which gives new times.
 *
 * @param appliedMs when the operation had been carried out, in milliseconds since the epoch.
 */
export function findSuperseded(
  { disk, state }: CommitStore,
  { steps }: JournalRecord,
  appliedMs: number,
): Set<Step> {
  using directories = new Directories(disk, state.root);
  const moves = new Moves(disk, directories, steps);
  const appliedNs = BigInt(appliedMs + 1) * 1_000_000n;
  const isLater = (path: TreePath): boolean => {
    const stamp = directories.find(path);
    if (stamp !== undefined) return stamp.ctimeNs > appliedNs;
    return lastChangeOf(directories, parentOf(path)) > appliedNs;
  };
  return new Set(steps.filter((step) => isLater(placeOf(step, moves))));
}

/** Where the node of a step is now, or would have to be. */
function placeOf(step: Step, moves: Moves): TreePath {
  switch (step.kind) {
    case "move":
      return moves.find(step) ?? step.path;
    case "park": {
      const { path: from, slot, finally: path, node } = step;
      return moves.find({ path, slot, from, node }) ?? path;
    }
    case "remove":
      return moves.placeNow(step.path);
    case "attributes":
      return step.phase === "early" ? moves.placeNow(step.path) : step.path;
    case "mkdir":
    case "install":
    case "link":
    case "write":
      return step.path;
  }
}

/** When a name last came or went in a directory or, where that is gone, in the one around it. */
function lastChangeOf(directories: Directories, directory: TreePath): bigint {
  for (let at = directory; ; at = parentOf(at)) {
    const stamp = directories.find(at);
    if (stamp !== undefined) return stamp.ctimeNs;
    if (at === "") return 0n;
  }
}
