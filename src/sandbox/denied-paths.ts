import type { Dirent } from "node:fs";
import { isAbsolute } from "node:path";
import { absoluteOf, childOf, type TreePath, treePathOf } from "../disk/tree-path.ts";
import { globTest } from "../overlay/glob-pattern.ts";
import type { Layer } from "../overlay/layer.ts";
import { lstatLower } from "./lower-view.ts";
import type { DeniedPath } from "./namespace-script.ts";

/** Which paths of the tree a command must not read. */
export function deniedMatcher(root: string, globs: readonly string[]): (path: TreePath) => boolean {
  const matchers = globs.map((glob) => {
    const relative = isAbsolute(glob) ? treePathOf(root, glob) : glob;
    return relative === undefined ? () => false : globTest(relative);
  });
  return (path) => matchers.some((matches) => matches(path));
}

/**
 * The files and directories that globs forbid to read, as they are on the disk now. Walks the tree
 * when a glob is relative to it. Absolute globs outside the root are literal paths.
 */
export function deniedPaths(layer: Layer, globs: readonly string[]): DeniedPath[] {
  if (globs.length === 0) return [];
  const denied: DeniedPath[] = [];
  for (const glob of globs) {
    if (isAbsolute(glob) && treePathOf(layer.root, glob) === undefined) {
      const stats = lstatLower("/", glob.slice(1));
      if (stats !== undefined) denied.push(deniedAt(glob, stats.isDirectory()));
    }
  }
  const matches = deniedMatcher(layer.root, globs);
  const visit = (directory: TreePath): void => {
    const place = absoluteOf(layer.root, directory);
    for (const entry of layer.fs.readdirSync(place, { withFileTypes: true }) as Dirent[]) {
      const path = childOf(directory, entry.name);
      if (matches(path)) {
        // What lies in the layer only cannot be covered yet; it is not pushed at all.
        const isOnDisk = !entry.isSymbolicLink() && lstatLower(layer.root, path) !== undefined;
        if (isOnDisk) denied.push(deniedAt(absoluteOf(layer.root, path), entry.isDirectory()));
      } else if (entry.isDirectory()) visit(path);
    }
  };
  visit("");
  return denied;
}

function deniedAt(path: string, isDirectory: boolean): DeniedPath {
  return { path, kind: isDirectory ? "directory" : "file" };
}
