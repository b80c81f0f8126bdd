import { childOf, type TreePath } from "../../disk/tree-path.ts";
import type { HarvestSource } from "./harvest-source.ts";
import { lstatLower } from "./lower-view.ts";
import type { MirrorNode } from "./mirror.ts";
import { isWhiteout } from "./upper-nodes.ts";

/**
 * Whether names came or went in a directory of the upper that the lower has too, which moved its
 * times: if they are those of the lower all the same, a command has set them. That a kernel's
 * overlay copies a file up to write to it leaves them as they were. In a clone nothing is copied.
 */
export function hasOwnNames(
  { layer, upper, view, origins, isComplete }: HarvestSource,
  path: TreePath,
  { children }: MirrorNode,
): boolean {
  if (isComplete) return true;
  const tellsInodes = origins === "shown" || origins === "marked";
  for (const name of children.keys()) {
    const at = childOf(path, name);
    const stats = upper.lstat(at);
    if (stats === undefined) continue;
    const lower = lstatLower(layer.root, at);
    if (isWhiteout(stats) || lower === undefined) return true;
    // What was copied up shows the inode number that it has in the lower; directories always do.
    if (tellsInodes && !stats.isDirectory() && view.lstat(at)?.ino !== lower.ino) return true;
  }
  return false;
}
