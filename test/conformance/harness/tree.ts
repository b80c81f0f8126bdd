import { createHash } from "node:crypto";
import type { Fs } from "./seed.ts";

/** What a walk found at one path, in a form that compares well and reads well in a diff. */
export type TreeNode = Readonly<Record<string, unknown>>;
export type Tree = Readonly<Record<string, TreeNode>>;

export interface TreeOptions {
  /** Classifies a time in nanoseconds; see `world.ts`. */
  readonly timeOf: (timeNs: bigint) => string;
  /** Leaves out what a renamed root cannot keep (its own ctime). */
  readonly ignoreRootChangeTime?: boolean;
  /** Random names and what stands for them. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Link counts of directories, where the reference file system counts them. */
  readonly directoryLinks?: boolean;
}

const inlineBytesMax = 512;

/** One for all: a fresh one for each file takes longer than reading most of them. */
const piece = Buffer.alloc(1 << 20);

/** Reads the whole tree below `root` through `fs`, links not followed. */
export function readTree(fs: Fs, root: string, options: TreeOptions): Tree {
  const tree: Record<string, TreeNode> = {};
  const firstPathOf = new Map<string, string>();
  const visit = (path: string, name: string) => {
    const stats = attempt(() => fs.lstatSync(path, { bigint: true }));
    if (typeof stats === "string") {
      tree[name] = { error: stats };
      return;
    }
    const isDirectory = stats.isDirectory();
    const identity = `${stats.dev}:${stats.ino}`;
    const firstPath = firstPathOf.get(identity);
    if (firstPath === undefined) firstPathOf.set(identity, name);
    tree[name] = {
      mode: stats.mode.toString(8),
      owner: `${stats.uid}:${stats.gid}`,
      mtime: options.timeOf(stats.mtimeNs),
      ...(name === "." && options.ignoreRootChangeTime
        ? {}
        : { ctime: options.timeOf(stats.ctimeNs) }),
      ...(isDirectory && !options.directoryLinks ? {} : { nlink: Number(stats.nlink) }),
      ...(isDirectory ? {} : { size: Number(stats.size) }),
      ...(firstPath === undefined ? {} : { sameAs: firstPath }),
      ...contentOf(fs, path, root, stats),
    };
    if (!isDirectory) return;
    const names = attempt(() => fs.readdirSync(path, { encoding: "buffer" }));
    if (typeof names === "string") {
      tree[name] = { ...tree[name], error: names };
      return;
    }
    for (const child of names.map(String).sort()) {
      visit(`${path}/${child}`, name === "." ? child : `${name}/${child}`);
    }
  };
  visit(root, ".");
  return renamed(tree, options.aliases);
}

function renamed(tree: Tree, aliases: ReadonlyMap<string, string> = new Map()): Tree {
  if (aliases.size === 0) return tree;
  const nameOf = (path: string) => {
    let name = path;
    for (const [random, alias] of aliases) name = name.split(random).join(alias);
    return name;
  };
  return Object.fromEntries(Object.entries(tree).map(([path, node]) => [nameOf(path), node]));
}

function contentOf(
  fs: Fs,
  path: string,
  root: string,
  stats: { isFile(): boolean; isSymbolicLink(): boolean; size: bigint },
): TreeNode {
  if (stats.isSymbolicLink()) {
    const target = attempt(() => fs.readlinkSync(path));
    return { target: target.split(root).join("<root>") };
  }
  if (!stats.isFile()) return {};
  return { content: attempt(() => digestOf(fs, path)) };
}

/** Short content as it is, longer content as length and hash, read in pieces. */
function digestOf(fs: Fs, path: string): string {
  const descriptor = fs.openSync(path, "r");
  try {
    const hash = createHash("sha1");
    let total = 0;
    let first = "";
    for (;;) {
      const count = fs.readSync(descriptor, piece, 0, piece.length, total);
      if (count === 0) break;
      if (total === 0 && count <= inlineBytesMax) first = piece.toString("latin1", 0, count);
      hash.update(piece.subarray(0, count));
      total += count;
    }
    return total <= inlineBytesMax ? first : `${total} bytes, sha1 ${hash.digest("hex")}`;
  } finally {
    fs.closeSync(descriptor);
  }
}

function attempt<T>(action: () => T): T | string {
  try {
    return action();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
