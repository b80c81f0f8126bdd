import nodeFs from "node:fs";
import { join } from "node:path";

/** One node of a saved tree. */
interface SavedNode {
  readonly path: string;
  readonly stats: nodeFs.BigIntStats;
  /** Its inode number now, while `stats` are of the time when the tree was saved. */
  readonly inode: bigint;
  readonly content: Buffer | string | undefined;
  readonly sameAs: string | undefined;
}

/** A real directory held in memory, so that it can be put back as it was. */
export type SavedTree = readonly SavedNode[];

/**
 * Takes a copy of a real tree: content, modes, times and which names are one inode.
 *
 * @param without names at its root that are left out.
 * @returns `undefined` where something in it may not be read.
 */
export function saveTree(root: string, without: readonly string[] = []): SavedTree | undefined {
  try {
    return readTree(root, without);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}

function readTree(root: string, without: readonly string[]): SavedTree {
  const nodes: SavedNode[] = [];
  const firstNames = new Map<bigint, string>();
  const visit = (path: string) => {
    const absolute = join(root, path);
    const stats = nodeFs.lstatSync(absolute, { bigint: true });
    const sameAs = stats.isFile() || stats.isSymbolicLink() ? firstNames.get(stats.ino) : undefined;
    firstNames.set(stats.ino, sameAs ?? path);
    nodes.push({ path, stats, inode: stats.ino, content: contentOf(absolute, stats), sameAs });
    if (!stats.isDirectory()) return;
    for (const name of nodeFs.readdirSync(absolute).sort()) {
      if (path !== "" || !without.includes(name)) visit(join(path, name));
    }
  };
  visit("");
  return nodes;
}

/** Paths at which two trees hold other nodes, apart from their times and further names. */
export function changedPaths(one: SavedTree, other: SavedTree): string[] {
  const [left, right] = [one, other].map(
    (tree) => new Map(tree.map((node) => [node.path, `${node.stats.mode} ${node.content}`])),
  ) as [Map<string, string>, Map<string, string>];
  const paths = new Set([...left.keys(), ...right.keys()]);
  return [...paths].filter((path) => left.get(path) !== right.get(path));
}

/** Lets everything in a directory be removed. */
function unlock(directory: string): void {
  nodeFs.chmodSync(directory, 0o700);
  for (const entry of nodeFs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) unlock(join(directory, entry.name));
  }
}

/**
 * Puts a saved tree back in place of whatever lies at `root` now.
 *
 * @returns the new inode number of each file by its old one.
 */
export function restoreTree(root: string, tree: SavedTree): ReadonlyMap<bigint, bigint> {
  unlock(root);
  for (const name of nodeFs.readdirSync(root)) {
    nodeFs.rmSync(join(root, name), { recursive: true, force: true });
  }
  for (const node of tree) if (node.path !== "") restoreNode(root, node);
  for (const { path, stats, sameAs } of [...tree].reverse()) {
    if (sameAs !== undefined) continue;
    const absolute = join(root, path);
    if (!stats.isSymbolicLink()) nodeFs.chmodSync(absolute, Number(stats.mode & 0o7777n));
    nodeFs.lutimesSync(absolute, secondsOf(stats.atimeNs), secondsOf(stats.mtimeNs));
  }
  return new Map(tree.map(({ path, inode }) => [inode, inodeAt(join(root, path))]));
}

/**
 * A saved tree after another has been restored. Files that are gone have no inode any more: a
 * number that the file system gives to another file later must not be taken for theirs.
 */
export function renumbered(tree: SavedTree, inodes: ReadonlyMap<bigint, bigint>): SavedTree {
  return tree.map((node) => ({ ...node, inode: inodes.get(node.inode) ?? noInode }));
}

/** No file has this number. */
const noInode = -1n;

function inodeAt(absolute: string): bigint {
  return nodeFs.lstatSync(absolute, { bigint: true }).ino;
}

function restoreNode(root: string, { path, stats, content, sameAs }: SavedNode): void {
  const absolute = join(root, path);
  if (sameAs !== undefined) nodeFs.linkSync(join(root, sameAs), absolute);
  else if (stats.isDirectory()) nodeFs.mkdirSync(absolute);
  else if (stats.isSymbolicLink()) nodeFs.symlinkSync(String(content), absolute);
  else nodeFs.writeFileSync(absolute, content ?? "");
}

function contentOf(absolute: string, stats: nodeFs.BigIntStats): Buffer | string | undefined {
  if (stats.isSymbolicLink()) return nodeFs.readlinkSync(absolute);
  return stats.isFile() ? nodeFs.readFileSync(absolute) : undefined;
}

function secondsOf(timeNs: bigint): number {
  return Number(timeNs / 1000n) / 1e6;
}
