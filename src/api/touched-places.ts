import type { Change, ChangeSet } from "../commit/change-set/change-set.ts";
import type { Stamp } from "../disk/stamp.ts";
import type { TreePath } from "../disk/tree-path.ts";

/** The paths that a change set is about: a rename has two. */
export function touchedPaths({ changes }: ChangeSet): TreePath[] {
  return changes.flatMap((change) =>
    change.kind === "rename" ? [change.path, change.from] : [change.path],
  );
}

/**
 * The paths at which the disk holds what was pending once some of all changes have been committed;
 * not those where something still is.
 */
export function settledPaths(all: ChangeSet, committed: ChangeSet): TreePath[] {
  const done = new Set<Change>(committed.changes);
  const left = new Set(all.changes.filter((change) => !done.has(change)).map(({ path }) => path));
  return touchedPaths(committed).filter((path) => !left.has(path));
}

/** The nodes on the disk that a change set replaces, moves or deletes. */
export function* replacedBy({ changes }: ChangeSet): Generator<Stamp> {
  for (const change of changes) {
    const { before, replaced } = { before: undefined, replaced: undefined, ...change };
    if (before?.stamp !== undefined) yield before.stamp;
    if (replaced?.stamp !== undefined) yield replaced.stamp;
  }
}
