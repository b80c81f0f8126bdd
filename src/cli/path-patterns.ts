import { resolve } from "node:path";
import { globMatcher } from "../commit/change-set/glob.ts";
import { withoutLinks } from "../disk/state/find-root.ts";
import { isWithin, type TreePath, treePathOf } from "../disk/tree-path.ts";
import type { Overlay } from "../index.ts";
import type { CommonOptions } from "./command-context.ts";
import { baseOf } from "./root-of.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The paths that a user gave, as paths of the tree.
 *
 * @throws {UsageError} for one outside of the root.
 */
export function treePathsOf(
  root: string,
  options: CommonOptions,
  paths: readonly string[],
): TreePath[] {
  const base = baseOf(root, options);
  return paths.map((path) => {
    const absolute = resolve(base, path);
    // The root's own path has no links in it, but the user's way there may.
    const found = treePathOf(root, absolute) ?? treePathOf(root, withoutLinks(absolute));
    if (found !== undefined) return found;
    throw new UsageError(`${path} lies outside of ${root}. Give paths inside of it.`);
  });
}

/**
 * The glob patterns that mean the given paths and all that is below them, and nothing else.
 *
 * @param hasInclude whether the command takes patterns by `--include`.
 * @returns `undefined` when everything is meant: no path at all, or the root itself.
 * @throws {UsageError} for a path outside of the root, and for one at which nothing is pending and
 *   nothing is: nobody should take a typing error for an empty answer.
 */
export async function patternsOf(
  overlay: Overlay,
  options: CommonOptions,
  paths: readonly string[],
  hasInclude = false,
): Promise<string[] | undefined> {
  if (paths.length === 0) return undefined;
  const inside = treePathsOf(overlay.root, options, paths);
  const { changes } = await overlay.diff();
  const pending = changes.flatMap((one) =>
    one.kind === "rename" ? [one.path, one.from] : one.path,
  );
  for (const [index, path] of inside.entries()) {
    if (pending.some((one) => isWithin(one, path)) || exists(overlay, path)) continue;
    throw new UsageError(absenceOf(paths[index] as string, hasInclude));
  }
  if (inside.includes("")) return undefined;
  return inside.map((path) => `/${path}`.replace(/[\\*?[\]{},!]/g, "\\$&"));
}

function absenceOf(path: string, hasInclude: boolean): string {
  const absence = `There is no ${path}, neither pending nor on the disk.`;
  if (!hasWildcards(path)) return `${absence} Check the spelling.`;
  const help = hasInclude
    ? `Give the pattern as --include '${path}'.`
    : "Name a directory for all that lies in it.";
  return `${absence} Paths are taken as they are, not as patterns. ${help}`;
}

function hasWildcards(path: string): boolean {
  return /[*?[\]{}!\\]/.test(path);
}

/**
 * Patterns as `--include` takes them.
 *
 * @throws {UsageError} for one without wildcards that means nothing at all.
 */
export async function checkedPatterns(
  overlay: Overlay,
  patterns: readonly string[],
): Promise<readonly string[]> {
  if (patterns.length === 0) return patterns;
  const { changes } = await overlay.diff();
  for (const pattern of patterns) {
    if (hasWildcards(pattern)) continue;
    const matches = globMatcher([pattern]);
    const isKnown = changes.some(
      (one) => matches(one.path) || (one.kind === "rename" && matches(one.from)),
    );
    if (isKnown || exists(overlay, pattern.replace(/^\/+/, ""))) continue;
    throw new UsageError(`Nothing is called ${pattern}. Check the spelling.`);
  }
  return patterns;
}

function exists({ fs }: Overlay, path: TreePath): boolean {
  try {
    return fs.lstatSync(path === "" ? "." : path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // There is something that may not be looked at.
    return true;
  }
}
