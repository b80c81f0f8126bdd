import type { TreePath } from "../disk/tree-path.ts";

/**
 * What git keeps for itself, under every name by which some file system would find it
 * (`verify_path` of git): in other letters, with what Windows drops, as a short name of DOS.
 */
const ownName = /^(\.git|git~1)[. ]*(:.*)?$/i;

/** Whether git refuses a path in patches and in its index, because it leads into a repository. */
export function isInRepository(path: TreePath): boolean {
  return path.split(/[/\\]/).some((name) => ownName.test(name));
}
