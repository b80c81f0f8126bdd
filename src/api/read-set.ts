import type { Disk } from "../disk/disk.ts";
import type { Stamp } from "../disk/stamp.ts";
import { absoluteOf, type TreePath } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";
import type { Observation } from "../overlay/layer.ts";

/** How many paths a message names; the error's details have them all. */
const namedPathsMax = 5;

/**
 * Compares what was read of the lower, under `isolation: "serializable"`, with what lies there now.
 *
 * @throws {DraftError} `DRAFT_CONFLICT` naming every path that has changed since it was read.
 */
export function checkReads(disk: Disk, root: string, observed: Iterable<Observation>): void {
  const changed: TreePath[] = [];
  for (const { path, stamp } of observed) {
    if (!isSame(stamp, disk.lstat(absoluteOf(root, path)))) changed.push(path);
  }
  if (changed.length === 0) return;
  const named = changed.slice(0, namedPathsMax).map((path) => JSON.stringify(path));
  const more = changed.length > named.length ? `, and ${changed.length - named.length} more` : "";
  throw new DraftError(
    "DRAFT_CONFLICT",
    `Cannot commit: what was read has changed on the disk since. ${named.join(", ")}${more}. ` +
      "Nothing was touched. Discard, and do it again on the tree as it is now.",
    { path: changed[0] ?? "", details: { reads: changed } },
  );
}

/** A directory counts as the same while no name in it has come or gone. */
function isSame(seen: Stamp | undefined, now: Stamp | undefined): boolean {
  if (seen === undefined || now === undefined) return seen === now;
  return (
    seen.kind === now.kind &&
    seen.ino === now.ino &&
    seen.mode === now.mode &&
    seen.mtimeNs === now.mtimeNs &&
    (seen.kind === "directory" || seen.size === now.size)
  );
}
