import type { TreePath } from "../../disk/tree-path.ts";

/** What a command did to one path. */
export interface HarvestedChange {
  readonly path: TreePath;
  readonly kind: "file" | "directory" | "symlink" | "other" | "metadata" | "removed";
  /** The file has further names on the disk, which overlayfs has left as they were. */
  readonly isSplit?: true;
  /** It has other extended attributes than the commit will give it: they are not taken over. */
  readonly hasAttributes?: true;
}
