import type { Core } from "../core.ts";
import { codeOf } from "../file-system-error.ts";
import { type Instant, instantOf, nanosecondsOf } from "../instant.ts";
import type { Node } from "../node.ts";

/**
 * Takes over the times of the lower directory that shows through a directory of the upper, as long
 * as nothing in the overlay has moved them: other programs may have, and commits.
 */
export function followTimes(core: Core, node: Node): void {
  if (node.kind !== "directory" || !node.attached || node.lowerPath === undefined) return;
  const { origin } = node;
  // Set on purpose, if to what they were: they are no longer those of the lower.
  if (node.timesSet) return;
  if (origin === undefined || !isAt(node.mtime, origin.stamp.mtimeNs)) return;
  const now = statsAt(core, node.lowerPath);
  if (now === undefined || now.ino !== origin.stamp.ino) return;
  const { mtimeNs, ctimeNs } = now;
  if (isAt(node.ctime, origin.stamp.ctimeNs)) node.ctime = instantOf(ctimeNs);
  node.mtime = instantOf(mtimeNs);
  node.origin = { ...origin, stamp: { ...origin.stamp, mtimeNs, ctimeNs } };
}

function isAt(time: Instant, timeNs: bigint): boolean {
  return nanosecondsOf(time) === timeNs;
}

/** The lower node at a path; `undefined` where there is none, or it cannot be looked at. */
export function statsAt(core: Core, path: string) {
  try {
    return core.lower.lstatExact(path);
  } catch (caught) {
    if (codeOf(caught) === undefined) throw caught;
    return undefined;
  }
}
