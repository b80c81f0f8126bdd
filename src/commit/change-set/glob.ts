import type { TreePath } from "../../disk/tree-path.ts";
import { globTest } from "../../overlay/path/glob-pattern.ts";

/**
 * A test for paths against patterns as {@link globTest} reads them. A pattern without a slash
 * matches a name anywhere; one with a slash the whole path from the root. What matches a directory
 * matches all that is in it; `.` and `/` are the root.
 */
export function globMatcher(patterns: readonly string[]): (path: TreePath) => boolean {
  const tests = patterns.flatMap((pattern) => {
    const trimmed = pattern.replace(/^\.?\//, "").replace(/\/+$/, "");
    if (pattern !== "" && (trimmed === "" || trimmed === ".")) return [() => true];
    const isAnchored = trimmed.includes("/") || pattern.startsWith("/") || pattern.startsWith("./");
    const anchored = isAnchored ? trimmed : `**/${trimmed}`;
    return [globTest(anchored), globTest(`${anchored}/**`)];
  });
  return (path) => tests.some((test) => test(path));
}
