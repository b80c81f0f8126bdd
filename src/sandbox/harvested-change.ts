import type { TreePath } from "../disk/tree-path.ts";

/** What a command did to one path. */
export interface HarvestedChange {
  readonly path: TreePath;
  readonly kind: "file" | "directory" | "symlink" | "other" | "metadata" | "removed";
  /** The file has further names on the disk, which overlayfs has left as they were. */
  readonly isSplit?: true;
  /** The file got other extended attributes, and nothing else: they are not taken over. */
  readonly hasAttributes?: true;
}
