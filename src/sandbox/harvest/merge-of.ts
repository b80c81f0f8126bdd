import { childOf, parentOf } from "../../disk/tree-path.ts";
import { type Entry, type HarvestSource, upperNames } from "./harvest-source.ts";
import { lstatLower, readLowerNames } from "./lower-view.ts";
import type { Merge } from "./mirror.ts";
import { resolveRedirect } from "./overlay-redirects.ts";

/**
 * Which directory of the lower shows through one that is new in the upper. Its attributes that
 * say so cannot be read from Node; but whatever the view shows and the upper lacks is of a lower.
 */
export function mergeOf(source: HarvestSource, entry: Entry): Merge {
  const { layer, upper, view, readNames } = source;
  const { path, shown } = entry;
  if (source.isComplete) return { lower: undefined, isMoved: shown !== undefined };
  const own = upperNames(source, path);
  // What was told of the names may be older than the view: a command may run.
  const isOwn = (name: string): boolean =>
    own.has(name) || (readNames !== undefined && upper.lstat(childOf(path, name)) !== undefined);
  const foreign = view.readdir(path).find((name) => !isOwn(name));
  const lowerNames = shown === undefined ? undefined : readLowerNames(layer.root, shown);
  if (foreign === undefined) {
    // Either it hides a lower one that has names the upper lacks, or it makes no difference.
    const isOpaque = lowerNames?.some((name) => !own.has(name)) === true;
    return { lower: isOpaque ? undefined : shown, isMoved: isOpaque };
  }
  if (shown !== undefined && lowerNames !== undefined) {
    const seen = view.lstat(childOf(path, foreign));
    const lower = lstatLower(layer.root, childOf(shown, foreign));
    const isSame = seen?.ctimeNs === lower?.ctimeNs && seen?.mtimeNs === lower?.mtimeNs;
    if (seen !== undefined && isSame) return { lower: shown, isMoved: false };
  }
  const redirect = source.readRedirect?.(path);
  if (redirect === undefined) return { lower: shown, isMoved: false };
  const parent = shown === undefined ? undefined : parentOf(shown);
  return { lower: resolveRedirect(redirect, parent), isMoved: true };
}
