import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { encodePath } from "./names.ts";
import { absoluteOf, type TreePath } from "./tree-path.ts";

/** A file of a tree, or a directory when it has no bytes. */
export interface TreeNode {
  readonly path: TreePath;
  readonly bytes: Uint8Array | undefined;
}

/** A directory with given files in it, for as long as it is used. */
export class TemporaryTree implements Disposable {
  /** Real and absolute. */
  readonly root: string;

  /** @param parent where it is made; the system's directory for temporary files by default. */
  constructor(nodes: Iterable<TreeNode>, parent: string = tmpdir()) {
    this.root = mkdtempSync(join(realpathSync(parent), "draftfs-tree-"));
    try {
      for (const node of nodes) this.#plant(node);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #plant({ path, bytes }: TreeNode): void {
    const absolute = absoluteOf(this.root, path);
    mkdirSync(encodePath(bytes === undefined ? absolute : dirname(absolute)), { recursive: true });
    if (bytes !== undefined) writeFileSync(encodePath(absolute), bytes);
  }
}
