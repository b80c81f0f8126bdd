import type { TreePath } from "../../disk/tree-path.ts";
import type { PinnedTree } from "./pinned-tree.ts";

/** Runs `read`; where a command took our right to read away, gives it back for the moment. */
export function withAccess<T>(upper: PinnedTree, path: TreePath, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
    const stats = upper.lstat(path);
    if (stats === undefined) throw error;
    const mode = Number(stats.mode) & 0o7777;
    upper.chmod(path, mode | 0o700);
    try {
      return read();
    } finally {
      upper.chmod(path, mode);
    }
  }
}
