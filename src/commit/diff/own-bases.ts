import { childOf, nameOf, parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { LowerNode, Pending, PendingDirectory } from "../../overlay/pending/pending.ts";

/**
 * The entries with those bases only that still are what the old tree holds at their place. An
 * entry's base goes stale when a directory of the upper moves with it, or when the lower directory
 * that the base lies in has moved away and taken it along: then nothing of the old tree is replaced
 * or removed here.
 *
 * @param entries in tree order, parents before their children.
 */
export function withOwnBases(entries: readonly Pending[]): Pending[] {
  const movedAway = new Set<TreePath>();
  for (const entry of entries) {
    if (entry.kind === "whiteout" || entry.origin === undefined) continue;
    if (entry.origin.path !== entry.base?.path) movedAway.add(entry.origin.path);
  }
  const directories = new Map<TreePath, PendingDirectory>();
  const settled: Pending[] = [];
  for (const entry of entries) {
    const { path, base } = entry;
    const isOwn = isOwnBase(path, base, directories.get(parentOf(path)), movedAway);
    if (!isOwn && entry.kind === "whiteout") continue;
    const own: Pending = isOwn || entry.kind === "whiteout" ? entry : { ...entry, base: undefined };
    if (own.kind === "directory") directories.set(path, own);
    settled.push(own);
  }
  return settled;
}

function isOwnBase(
  path: TreePath,
  base: LowerNode | undefined,
  parent: PendingDirectory | undefined,
  movedAway: ReadonlySet<TreePath>,
): boolean {
  // Nearly always the parent shows what lies at its own place.
  if (parent !== undefined && shownBy(parent) === parent.path) return base?.path === path;
  return base?.path === placeOf(path, parent, movedAway);
}

/** The lower directory that shows in one of the upper. */
function shownBy({ redirect, opaque, base }: PendingDirectory): TreePath | undefined {
  return redirect ?? (opaque ? undefined : base?.path);
}

/** Where the old tree holds what a child of `parent` shows, hides or replaces; if anywhere. */
function placeOf(
  path: TreePath,
  parent: PendingDirectory | undefined,
  movedAway: ReadonlySet<TreePath>,
): TreePath | undefined {
  if (parent === undefined) return path;
  const shown = shownBy(parent);
  if (shown !== undefined) return childOf(shown, nameOf(path));
  const covered = parent.base;
  const isThere = covered !== undefined && !movedAway.has(covered.path);
  return isThere ? childOf(covered.path, nameOf(path)) : undefined;
}
