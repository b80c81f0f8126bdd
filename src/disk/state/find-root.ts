import { lstatSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isGuarded, stateDirectoryOf } from "./state-directory.ts";
import { isTrustedOwner } from "./trusted-owner.ts";

/**
 * The nearest root that is `directory` or lies above it, as git looks for its repository: a
 * directory that has drafts or checkpoints. Those of other users do not count: whoever may write
 * to a directory above could choose what is committed otherwise. Neither do `/` and the home
 * directory, which are roots only when they are named.
 *
 * @param directory - a real absolute path.
 */
export function findRoot(directory: string): string | undefined {
  for (let root = directory; ; root = dirname(root)) {
    if (!isGuarded(root) && hasOwnState(root)) return root;
    if (root === dirname(root)) return undefined;
  }
}

/**
 * The root that a directory which is none lies in.
 *
 * @param directory - a real absolute path.
 */
export function findOuterRoot(directory: string): string | undefined {
  return hasOwnState(directory) ? undefined : findRoot(dirname(directory));
}

/** A path with no links in it but for its last component, as far down as there is something. */
export function withoutLinks(path: string): string {
  const absolute = resolve(path);
  const parent = dirname(absolute);
  if (parent === absolute) return absolute;
  try {
    return join(realpathSync(parent), basename(absolute));
  } catch {
    return join(withoutLinks(parent), basename(absolute));
  }
}

function hasOwnState(root: string): boolean {
  const { path, format, checkpoints } = stateDirectoryOf(root);
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined || !found.isDirectory() || !isTrustedOwner(found.uid)) return false;
    // Without either nothing was ever kept in it.
    return [format, checkpoints].some((name) => lstatSync(name, { throwIfNoEntry: false }));
  } catch {
    // What may not be looked at is somebody else's.
    return false;
  }
}
