import { protections } from "../../disk/lower/protections.ts";
import { credentials } from "../credentials.ts";
import { Fault } from "../file-system-error.ts";
import type { DirectoryNode, Node } from "../node.ts";
import type { Found, Tree } from "../tree.ts";

const stickyBit = 0o1000;
const groupWrite = 0o020;
const allWrite = 0o002;

/**
 * @throws {Fault} `EACCES` where the kernel does not follow a symbolic link that comes last in a
 *   path: one that somebody else has put into a sticky directory which is not his own. Source:
 *   `may_follow_link` in Linux `fs/namei.c`.
 */
export function requireFollowable(
  tree: Tree,
  directory: DirectoryNode,
  found: NonNullable<Found>,
): void {
  const { uid } = found.kind === "upper" ? found.node : found.stats;
  if (protections.symlinks === 0 || uid === credentials.uid) return;
  const around = factsOf(tree, directory);
  if (isSticky(around) && (around.mode & allWrite) !== 0 && uid !== around.uid) {
    throw new Fault("EACCES");
  }
}

/**
 * @throws {Fault} `EACCES` where the kernel does not open a file with `O_CREAT`: one that somebody
 *   else has put into a sticky directory which is not his own. Source: `may_create_in_sticky` in
 *   Linux `fs/namei.c`.
 */
export function requireCreatable(
  tree: Tree,
  directory: DirectoryNode,
  found: NonNullable<Found>,
): void {
  const { uid } = found.kind === "upper" ? found.node : found.stats;
  if (protections.regular === 0 || uid === credentials.uid || !isFile(found)) return;
  const around = factsOf(tree, directory);
  if (!isSticky(around) || uid === around.uid) return;
  const writable = protections.regular >= 2 ? allWrite | groupWrite : allWrite;
  if ((around.mode & writable) !== 0) throw new Fault("EACCES");
}

function isFile(found: NonNullable<Found>): boolean {
  return found.kind === "upper" ? found.node.kind === "file" : found.stats.isFile();
}

function isSticky({ mode }: Pick<Node, "mode">): boolean {
  return (mode & stickyBit) !== 0;
}

/** Mode and owner of a directory, which may still be the lower's alone. */
function factsOf(tree: Tree, directory: DirectoryNode): Pick<Node, "mode" | "uid"> {
  const { attached, lowerPath } = directory;
  if (attached || lowerPath === undefined) return directory;
  const stats = tree.lower.lstat(lowerPath);
  if (stats === undefined) throw new Fault("ENOENT");
  return stats;
}
