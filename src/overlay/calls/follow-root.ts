import { identityOf } from "../../disk/stamp.ts";
import type { Core } from "../core.ts";
import type { Node } from "../node.ts";
import { statsAt } from "./follow-times.ts";

/**
 * Takes over mode, owner and count of links of the root as it is by now, unless the overlay has
 * changed them: an undo may have, and other programs. It alone is in the upper from the beginning;
 * any other directory is taken up when something in it is changed.
 */
export function followRoot(core: Core, node: Node): void {
  const { tree } = core;
  const { origin, mode, uid, gid } = node;
  if (node !== tree.root || origin === undefined || node.lowerPath === undefined) return;
  if (!node.isOwnedAsBelow) return;
  const { stamp } = origin;
  const now = statsAt(core, node.lowerPath);
  if (now === undefined || identityOf(now) !== identityOf(stamp)) return;
  const nlink = Number(now.nlink);
  if (nlink !== stamp.nlink) {
    // Sub-directories that are pending are counted already.
    node.nlink += nlink - stamp.nlink;
    node.origin = { ...origin, stamp: { ...stamp, nlink } };
  }
  const found = { mode: Number(now.mode), uid: Number(now.uid), gid: Number(now.gid) };
  const isSame = found.mode === mode && found.uid === uid && found.gid === gid;
  if (isSame) return;
  Object.assign(node, found);
  const bits = found.mode & permissionBits;
  node.origin = { ...origin, stamp: { ...stamp, ...found, nlink, mode: bits } };
  // Who may pass through it.
  tree.structure += 1;
}

const permissionBits = 0o7777;
