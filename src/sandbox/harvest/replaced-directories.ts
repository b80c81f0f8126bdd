import { lstatSync, readdirSync } from "node:fs";
import { decodeName, encodePath } from "../../disk/names.ts";
import { absoluteOf, childOf, parentOf, type TreePath } from "../../disk/tree-path.ts";

/**
 * Whether a directory of the real tree, one above it or one in it may have come to its place at or
 * after a moment. A kernel that has looked up the one before goes on showing that: what lies in the
 * new one was seen by no command.
 *
 * A directory that comes moves its own change time and that of the one above. Both also move when
 * names come and go in them: then the answer is yes, to be safe.
 */
export function mayBeReplaced(root: string, path: TreePath, sinceNs: bigint): boolean {
  const isLater = (at: TreePath): boolean => changeTimeOf(root, at) >= sinceNs;
  try {
    for (let at = path; at !== ""; at = parentOf(at)) {
      if (isLater(at) && isLater(parentOf(at))) return true;
    }
    return mayHoldReplaced(root, path, isLater);
  } catch {
    // Not ours to read, or gone just now.
    return true;
  }
}

function mayHoldReplaced(
  root: string,
  path: TreePath,
  isLater: (at: TreePath) => boolean,
): boolean {
  const isChanged = isLater(path);
  const place = encodePath(absoluteOf(root, path));
  for (const entry of readdirSync(place, { encoding: "buffer", withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const child = childOf(path, decodeName(entry.name as Uint8Array));
    if ((isChanged && isLater(child)) || mayHoldReplaced(root, child, isLater)) return true;
  }
  return false;
}

function changeTimeOf(root: string, path: TreePath): bigint {
  return lstatSync(encodePath(absoluteOf(root, path)), { bigint: true }).ctimeNs;
}
