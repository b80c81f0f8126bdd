import { constants } from "node:os";
import type { NodeStats } from "../disk/node-stats.ts";
import type { TreePath } from "../disk/tree-path.ts";
import type { Content } from "../overlay/pending.ts";

/**
 * Whether the server of FUSE was to read a file of the disk that is not what it was: Node has no
 * name for this error.
 */
export function isStale(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).errno === -constants.errno.ESTALE;
}

/**
 * The content of a lower file as it was before somebody changed it, which nobody has any more. The
 * layer looks for it at its place and finds something else: a conflict for the diff and the commit.
 *
 * @param place of the file in the lower.
 */
export function lostContent(place: TreePath, stats: NodeStats): Content {
  const [mode, nlink, uid, gid, size] = [
    Number(stats.mode) & 0o7777,
    Number(stats.nlink),
    Number(stats.uid),
    Number(stats.gid),
    Number(stats.size),
  ];
  const nowhere = { dev: 0n, ino: 0n, mtimeNs: 0n, ctimeNs: 0n };
  const stamp = { kind: "file", mode, nlink, uid, gid, size, ...nowhere } as const;
  return { size, lower: { path: place, stamp }, spilled: undefined, read: () => 0 };
}
