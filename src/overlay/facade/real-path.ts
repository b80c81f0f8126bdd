import { posix } from "node:path";
import type { Core } from "../core.ts";
import { inspect, readLink } from "../inspect.ts";
import { attempt } from "./attempt.ts";

/**
 * The real path as `fs.realpathSync` finds it: component by component with `lstat` and `readlink`,
 * whose errors name the component that failed, after `..` was taken off lexically.
 */
export function resolveRealPath(core: Core, path: string): string {
  const { rootPath } = core.tree;
  let resolved = posix.resolve(rootPath, path);
  let settled = "/";
  let rest = componentsOf(resolved);
  while (rest.length > 0) {
    const next = posix.join(settled, rest[0] as string);
    rest = rest.slice(1);
    // The root is a real path, and so is all above it.
    const isAbove = rootPath === next || rootPath.startsWith(next === "/" ? "/" : `${next}/`);
    if (isAbove || !isLink(core, next)) {
      settled = next;
      continue;
    }
    const options = { follow: true, bigint: false };
    attempt("stat", next, undefined, () => inspect(core, next, options));
    const target = attempt("readlink", next, undefined, () => readLink(core, next));
    resolved = posix.resolve(settled, target, ...rest);
    settled = "/";
    rest = componentsOf(resolved);
  }
  return settled;
}

function componentsOf(path: string): string[] {
  return path.split("/").filter((component) => component !== "");
}

function isLink(core: Core, path: string): boolean {
  const options = { follow: false, bigint: false };
  return attempt("lstat", path, undefined, () => inspect(core, path, options)).isSymbolicLink();
}
