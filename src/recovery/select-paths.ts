import type { Change, ChangeSet } from "../commit/change-set/change-set.ts";
import { isWithin, parentOf, type TreePath } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";

/**
 * The part of a change set that concerns some paths and what lies below them, and the directories
 * that must be made for it.
 *
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when nothing of it lies at one of the paths.
 */
export function selectPaths(changeSet: ChangeSet, paths: readonly TreePath[]): ChangeSet {
  for (const path of paths) {
    if (changeSet.changes.some((change) => concerns(change, path))) continue;
    throw new DraftError(
      "DRAFT_CHECKPOINT_MISSING",
      `Cannot restore ${JSON.stringify(path)}: no later operation has touched it, or it is as it ` +
        `was. Nothing was touched.${/[*?[{]/.test(path) ? noPatterns : ""}`,
      { path },
    );
  }
  const wanted = new Set(
    changeSet.changes.filter((change) => paths.some((path) => concerns(change, path))),
  );
  const created = new Map(
    changeSet.changes
      .filter((change) => change.kind === "create" || change.kind === "rename")
      .map((change) => [change.path, change]),
  );
  for (const { path } of [...wanted]) {
    for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
      const change = created.get(parent);
      if (change !== undefined) wanted.add(change);
    }
  }
  return { ...changeSet, changes: changeSet.changes.filter((change) => wanted.has(change)) };
}

const noPatterns = " Paths are taken as they are, not as patterns: name a directory for all in it.";

function concerns(change: Change, path: TreePath): boolean {
  return isWithin(change.path, path) || (change.kind === "rename" && isWithin(change.from, path));
}
