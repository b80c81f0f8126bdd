import type nodeFs from "node:fs";
import { dirname, join } from "node:path";

/** The shape that every file system under test has. */
export type Fs = typeof nodeFs;

/** One node of a tree to start from. A string or Buffer stands for a file with mode 0644. */
export type SeedNode =
  | string
  | Buffer
  | { readonly kind: "file"; readonly content: string | Buffer; readonly mode: number }
  | { readonly kind: "sparse"; readonly size: number; readonly data: readonly [number, string][] }
  | { readonly kind: "directory"; readonly mode: number }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "hardlink"; readonly to: string };

/** A tree by path. Parents come before what lies in them; `<root>` in a link target is the root. */
export type Seed = Readonly<Record<string, SeedNode>>;

export const file = (content: string | Buffer, mode = 0o644): SeedNode => ({
  kind: "file",
  content,
  mode,
});
export const directory = (mode = 0o755): SeedNode => ({ kind: "directory", mode });
export const symlink = (target: string): SeedNode => ({ kind: "symlink", target });
export const hardlink = (to: string): SeedNode => ({ kind: "hardlink", to });
export const sparse = (size: number, data: readonly [number, string][]): SeedNode => ({
  kind: "sparse",
  size,
  data,
});

/** A tree that holds one of everything; most scenarios start from it. */
export const standardSeed: Seed = {
  "a.txt": "alpha\n",
  "b.txt": file("bravo bravo\n", 0o600),
  "run.sh": file("#!/bin/sh\n", 0o755),
  empty: "",
  d: directory(),
  "d/x.txt": "x-ray",
  "d/y.txt": file("yankee", 0o640),
  "d/sub": directory(0o750),
  "d/sub/deep.txt": "deep",
  "d/sub/deeper": directory(),
  "d/sub/deeper/leaf": "leaf",
  "d/back": symlink("../a.txt"),
  e: directory(),
  link: symlink("a.txt"),
  dlink: symlink("d"),
  dangling: symlink("nowhere"),
  loop1: symlink("loop2"),
  loop2: symlink("loop1"),
  abs: symlink("<root>/d/x.txt"),
  up: symlink("d/../b.txt"),
  chain: symlink("link"),
  h1: "hard",
  h2: hardlink("h1"),
  "d/h3": hardlink("h1"),
};

/** Modification time that a seeded node gets: long ago, distinct per node, whole milliseconds. */
const seedEpochSeconds = 1_000_000_000;

/**
 * Puts `seed` into the existing directory `target` of `fs`.
 *
 * @param shownRoot the path at which the tree will be seen; absolute link targets name it.
 * @param whole the seed of which this one is a part: the times of a node follow from its place there.
 */
export function plant(
  fs: Fs,
  target: string,
  seed: Seed,
  shownRoot = target,
  whole: Seed = seed,
): void {
  const at = (path: string) => join(target, path);
  for (const [path, node] of Object.entries(seed)) plantNode(fs, at, path, node, shownRoot);
  for (const [index, path] of [...Object.keys(whole).entries()].reverse()) {
    const node = seed[path];
    if (node === undefined) continue;
    const seconds = seedEpochSeconds + index;
    if (isDirectory(node)) fs.chmodSync(at(path), node.mode);
    fs.lutimesSync(at(path), seconds, seconds);
  }
  fs.chmodSync(target, 0o755);
  fs.utimesSync(target, seedEpochSeconds - 1, seedEpochSeconds - 1);
}

function isDirectory(
  node: SeedNode,
): node is { readonly kind: "directory"; readonly mode: number } {
  return typeof node === "object" && "kind" in node && node.kind === "directory";
}

function plantNode(
  fs: Fs,
  at: (path: string) => string,
  path: string,
  node: SeedNode,
  shownRoot: string,
): void {
  if (typeof node === "string" || Buffer.isBuffer(node)) {
    fs.writeFileSync(at(path), node);
    fs.chmodSync(at(path), 0o644);
    return;
  }
  switch (node.kind) {
    case "file":
      fs.writeFileSync(at(path), node.content);
      fs.chmodSync(at(path), node.mode);
      return;
    case "sparse":
      plantSparse(fs, at(path), node.size, node.data);
      return;
    case "directory":
      fs.mkdirSync(at(path), { mode: 0o700 });
      return;
    case "symlink":
      fs.symlinkSync(node.target.replace("<root>", shownRoot), at(path));
      return;
    case "hardlink":
      fs.linkSync(join(dirname(at("x")), node.to), at(path));
  }
}

function plantSparse(
  fs: Fs,
  path: string,
  size: number,
  data: readonly (readonly [number, string])[],
): void {
  const descriptor = fs.openSync(path, "w", 0o644);
  fs.ftruncateSync(descriptor, size);
  for (const [position, text] of data) fs.writeSync(descriptor, text, position);
  fs.closeSync(descriptor);
}
