import { resolve } from "node:path";
import { UsageError } from "./usage-error.ts";

/**
 * The glob patterns that mean the given paths and all that is below them, and nothing else.
 *
 * @param root - absolute path of the root, which relative paths are resolved against.
 * @returns `undefined` when everything is meant: no path at all, or the root itself.
 */
export function patternsOf(root: string, paths: readonly string[]): string[] | undefined {
  if (paths.length === 0) return undefined;
  const inside = paths.map((path) => {
    const absolute = resolve(root, path);
    if (absolute === root) return "";
    if (absolute.startsWith(root === "/" ? "/" : `${root}/`)) return absolute.slice(root.length);
    throw new UsageError(`${path} lies outside of ${root}. Give paths inside of it.`);
  });
  if (inside.includes("")) return undefined;
  return inside.map((path) =>
    (path.startsWith("/") ? path : `/${path}`).replace(/[\\*?[\]{},!]/g, "\\$&"),
  );
}
