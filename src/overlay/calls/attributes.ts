import { nodeHabits } from "../../disk/node/node-habits.ts";
import type { Core } from "../core.ts";
import { credentials, requireOwner } from "../credentials.ts";
import { Fault } from "../file-system-error.ts";
import type { Instant } from "../instant.ts";
import { presentInstant } from "../instant.ts";
import type { Node } from "../node.ts";
import { followRoot } from "./follow-root.ts";

const permissionBits = 0o7777;
const setuidBit = 0o4000;
const setgidBit = 0o2000;
const groupExecute = 0o010;
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
  let bits = mode & permissionBits;
  if (credentials.uid !== 0 && !credentials.isMember(node.gid)) bits &= ~setgidBit;
  node.mode = (node.mode & ~permissionBits) | bits;
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
  const check = (node: Pick<Node, "uid" | "gid">): void => requireMayGive(node, owner);
  setOwner(core, nodeForChange(core, path, owner.follow, check), owner);
}

/** Sets owner and group of a node. @throws {Fault} `EPERM` as `fchown(2)`. */
export function setOwner(core: Core, node: Node, owner: { uid: number; gid: number }): void {
  requireMayGive(node, owner);
  take(core, node);
  if (owner.uid >>> 0 !== unchanged) node.uid = owner.uid >>> 0;
  if (owner.gid >>> 0 !== unchanged) node.gid = owner.gid >>> 0;
  if (node.kind === "file") {
    node.mode &= ~setuidBit;
    if ((node.mode & groupExecute) !== 0) node.mode &= ~setgidBit;
  }
  node.ctime = presentInstant();
  if (node.kind === "directory") core.tree.structure += 1;
  core.tree.changed(node);
}

/** Notes what a node was before it is changed. */
function take(core: Core, node: Node): void {
  followRoot(core, node);
  core.tree.touch(node);
}

function requireMayGive(
  node: Pick<Node, "uid" | "gid">,
  owner: { uid: number; gid: number },
): void {
  const { uid } = credentials;
  if (uid === 0) return;
  const keepsUser = owner.uid >>> 0 === unchanged || owner.uid >>> 0 === node.uid;
  const keepsGroup = owner.gid >>> 0 === unchanged || owner.gid >>> 0 === node.gid;
  if (!keepsUser || (!keepsGroup && (uid !== node.uid || !credentials.isMember(owner.gid)))) {
    throw new Fault("EPERM");
  }
  if (owner.uid >>> 0 !== unchanged && uid !== node.uid) throw new Fault("EPERM");
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
