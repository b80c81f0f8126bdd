import { nameOf, type TreePath } from "../../disk/tree-path.ts";

/**
 * What git keeps for itself, under every name by which some file system would find it
 * (`verify_path` of git): in other letters, with what Windows drops, as a short name of DOS.
 */
const ownName = /^(\.git|git~1)[. ]*(:.*)?$/i;

/** Whether git refuses a path in patches and in its index, because it leads into a repository. */
export function isInRepository(path: TreePath): boolean {
  return path.split(/[/\\]/).some((name) => ownName.test(name));
}

/** Whether a file at a path is an index of git by its name. */
export function isIndexName(path: TreePath): boolean {
  return nameOf(path) === "index" && isInRepository(path);
}

/**
 * A sentence for an error about places that have changed, when they are nothing but indexes of git:
 * whoever runs `git status` after a commit changes them, and would wonder. Empty otherwise.
 */
export function gitIndexHint(paths: readonly TreePath[]): string {
  if (!paths.every(isIndexName)) return "";
  return (
    " Git writes its index anew whenever it looks at the files (git status): if nothing was " +
    "staged meanwhile, overwriting it loses nothing."
  );
}
