import { posix } from "node:path";
import { inspect, readLink } from "../calls/inspect.ts";
import type { Core } from "../core.ts";
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
  // Node reads a link once, also where it meets it again under another hard link.
  const seen = new Map<string, string>();
  while (rest.length > 0) {
    const next = posix.join(settled, rest[0] as string);
    rest = rest.slice(1);
    // The root is a real path, and so is all above it.
    const isAbove = rootPath === next || rootPath.startsWith(next === "/" ? "/" : `${next}/`);
    const identity = isAbove ? undefined : linkIdentity(core, next);
    if (identity === undefined) {
      settled = next;
      continue;
    }
    const target = seen.get(identity) ?? targetOf(core, next);
    seen.set(identity, target);
    resolved = posix.resolve(settled, target, ...rest);
    settled = "/";
    rest = componentsOf(resolved);
  }
  return settled;
}

function componentsOf(path: string): string[] {
  return path.split("/").filter((component) => component !== "");
}

/** Identifies the link at a path; `undefined` when it is none. */
function linkIdentity(core: Core, path: string): string | undefined {
  const options = { follow: false, bigint: true };
  const stats = attempt("lstat", path, undefined, () => inspect(core, path, options));
  return stats.isSymbolicLink() ? `${stats.dev}:${stats.ino}` : undefined;
}

function targetOf(core: Core, path: string): string {
  const options = { follow: true, bigint: false };
  attempt("stat", path, undefined, () => inspect(core, path, options));
  return attempt("readlink", path, undefined, () => readLink(core, path));
}
