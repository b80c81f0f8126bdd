import { nodeHabits } from "../../disk/node/node-habits.ts";
import type { Core } from "../core.ts";
import { credentials, requireOwner, settableMode, withoutPrivileges } from "../credentials.ts";
import { Fault } from "../file-system-error.ts";
import type { Instant } from "../instant.ts";
import { presentInstant } from "../instant.ts";
import type { Node } from "../node.ts";
import { followRoot } from "./follow-root.ts";

const permissionBits = 0o7777;
/** `uid_t` -1: leave as it is. */
const unchanged = 0xffff_ffff;

/** The node at a path, taken into the upper; `select` may refuse it first. */
export function nodeForChange(
  core: Core,
  path: string,
  follow: boolean,
  check: (node: Pick<Node, "mode" | "uid" | "gid" | "kind">) => void,
): Node {
  const place = core.resolveExisting(path, follow);
  const { found } = place;
  if (found.kind === "upper") check(found.node);
  else {
    const { mode, uid, gid } = found.stats;
    check({ mode, uid, gid, kind: found.stats.isDirectory() ? "directory" : "file" });
  }
  return core.copyUp(place);
}

/** Sets the permission bits. @throws {Fault} as `chmod(2)`. */
export function changeMode(core: Core, path: string, mode: number, follow = true): void {
  setMode(core, nodeForChange(core, path, follow, requireOwner), mode);
}

/** Sets the permission bits of a node that is known to be ours to change. */
export function setMode(core: Core, node: Node, mode: number): void {
  take(core, node);
  node.mode = (node.mode & ~permissionBits) | settableMode(mode & permissionBits, node.gid);
  node.ctime = presentInstant();
  if (node.kind === "directory") core.tree.structure += 1;
  core.tree.changed(node);
}

/** Sets owner and group. @throws {Fault} as `chown(2)`. */
export function changeOwner(
  core: Core,
  path: string,
  owner: { uid: number; gid: number; follow: boolean },
): void {
  const check = (node: OwnedNode): void => requireMayGive(node, owner);
  setOwner(core, nodeForChange(core, path, owner.follow, check), owner);
}

/** Sets owner and group of a node. @throws {Fault} `EPERM` as `fchown(2)`. */
export function setOwner(core: Core, node: Node, owner: { uid: number; gid: number }): void {
  requireMayGive(node, owner);
  take(core, node);
  if (node.kind !== "directory") node.mode = withoutPrivileges(node);
  if (owner.uid >>> 0 !== unchanged) node.uid = owner.uid >>> 0;
  if (owner.gid >>> 0 !== unchanged) node.gid = owner.gid >>> 0;
  node.ctime = presentInstant();
  if (node.kind === "directory") core.tree.structure += 1;
  core.tree.changed(node);
}

/** Notes what a node was before it is changed. */
function take(core: Core, node: Node): void {
  followRoot(core, node);
  core.tree.touch(node);
}

type OwnedNode = Pick<Node, "mode" | "uid" | "gid" | "kind">;

function requireMayGive(node: OwnedNode, owner: { uid: number; gid: number }): void {
  const { uid } = credentials;
  if (uid === 0) return;
  // Taking setuid away is a change of the mode, also where nobody gets the file.
  if (node.kind !== "directory" && withoutPrivileges(node) !== node.mode) requireOwner(node);
  const givesUser = owner.uid >>> 0 !== unchanged;
  const givesGroup = owner.gid >>> 0 !== unchanged;
  // Also what it is already may be said by its owner alone.
  if (givesUser || givesGroup) requireOwner(node);
  const keepsUser = !givesUser || owner.uid >>> 0 === node.uid;
  const keepsGroup = !givesGroup || owner.gid >>> 0 === node.gid;
  if (!keepsUser || (!keepsGroup && !credentials.isMember(owner.gid))) throw new Fault("EPERM");
}

/** Sets the times of access and of modification. @throws {Fault} as `utimensat(2)`. */
export function changeTimes(
  core: Core,
  path: string,
  times: { atime: Instant; mtime: Instant; follow: boolean },
): void {
  setTimes(core, nodeForChange(core, path, times.follow, requireOwner), times);
}

/** Sets the times of a node that is known to be ours to change. */
export function setTimes(core: Core, node: Node, times: { atime: Instant; mtime: Instant }): void {
  const atime = meantBy(times.atime, node.atime);
  const mtime = meantBy(times.mtime, node.mtime);
  if (atime === node.atime && mtime === node.mtime) return;
  take(core, node);
  node.atime = atime;
  node.mtime = mtime;
  node.ctime = presentInstant();
  node.timesSet = true;
  core.tree.changed(node);
}

/** What is no number, as the time of a date may be, is left as it is by a libuv that knows that. */
function meantBy(time: Instant, current: Instant): Instant {
  const { seconds } = time;
  if (Number.isFinite(seconds)) return time;
  if (nodeHabits.omitsTimes && Number.isNaN(seconds)) return current;
  if (nodeHabits.omitsTimes && seconds > 0) return presentInstant();
  throw new Fault("EINVAL");
}
