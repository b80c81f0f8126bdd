import type { Core } from "../core.ts";
import { nextMillisecondNs } from "../instant.ts";
import type { DirectoryNode } from "../node.ts";

/**
 * Says that all that lies in hidden directories has been seen again now: a commit that is taken
 * back puts the same files there with new times.
 */
export function lookAgain(core: Core): void {
  const seenNs = nextMillisecondNs();
  const visit = (directory: DirectoryNode): void => {
    for (const [name, dentry] of directory.entries ?? []) {
      const { node, base } = dentry;
      if (base?.seenNs !== undefined) {
        directory.entries?.set(name, { ...dentry, base: { ...base, seenNs } });
      }
      if (node?.kind === "directory") visit(node);
    }
  };
  visit(core.tree.root);
}
