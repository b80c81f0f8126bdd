import { constants } from "../../disk/lower/lower-classes.ts";
import { protections } from "../../disk/lower/protections.ts";
import { byteLengthOf } from "../../disk/names.ts";
import { pathBytesMax } from "../../limits.ts";
import type { Identity } from "../change-feed.ts";
import type { FileContent } from "../content/file-content.ts";
import type { Core } from "../core.ts";
import {
  creatableMode,
  credentials,
  dropPrivileges,
  inheritedGroup,
  isPermitted,
  mayExecute,
  mayRead,
  mayWrite,
  requireAccess,
  requireUnsticky,
} from "../credentials.ts";
import { codeOf, Fault } from "../file-system-error.ts";
import { presentInstant } from "../instant.ts";
import { lastingFile } from "../lasting-file.ts";
import { DirectoryNode, FileNode, type Node, SymlinkNode } from "../node.ts";
import { type ExistingPlace, exists, isDirectory, type Place } from "../path/path-walk.ts";

const { S_IFMT, S_IFREG } = constants;
const setuidBit = 0o4000;
const setgidBit = 0o2000;
const groupExecute = 0o010;
const permissionBits = 0o7777;

/** Makes an empty directory. @throws {Fault} as `mkdir(2)`. */
export function makeDirectory(core: Core, path: string, mode: number): void {
  const place = core.resolve(path, "never");
  requireAbsent(place);
  const parent = writableParent(core, place);
  const { gid, setgid } = inheritedGroup(parent);
  const bits = (mode & 0o1777 & ~credentials.umask) | (setgid ? setgidBit : 0);
  const node = new DirectoryNode(core.tree.originOfNew(bits, credentials.uid, gid), {
    parent,
    name: place.name,
    lowerPath: undefined,
  });
  node.attached = true;
  core.tree.putNew(parent, place.name, node);
  core.tree.countDirectory(parent, 1);
  core.tree.namesChanged(parent, node.ctime);
}

/** Makes an empty file at a place where nothing lies, for `open` with `O_CREAT`. */
export function makeFile(core: Core, place: Place, mode: number, content: FileContent): FileNode {
  const parent = writableParent(core, place);
  const { gid } = inheritedGroup(parent);
  const bits = creatableMode(mode & permissionBits, parent) & ~credentials.umask;
  const node = new FileNode(core.tree.originOfNew(bits, credentials.uid, gid), content);
  lastingFile();
  core.tree.putNew(parent, place.name, node);
  if (content.size > 0) {
    dropPrivileges(node);
    core.tree.changed(node);
  }
  core.tree.namesChanged(parent, node.ctime);
  return node;
}

/** Makes a symbolic link. @throws {Fault} as `symlink(2)`. */
export function makeSymlink(core: Core, target: string, path: string): void {
  if (target === "") throw new Fault("ENOENT");
  if (byteLengthOf(target) >= pathBytesMax) throw new Fault("ENAMETOOLONG");
  const place = core.resolve(path, "never");
  requireAbsent(place);
  if (place.trailingSlash) throw new Fault("ENOENT");
  const parent = writableParent(core, place);
  const { gid } = inheritedGroup(parent);
  const node = new SymlinkNode(core.tree.originOfNew(0o777, credentials.uid, gid), target);
  core.tree.putNew(parent, place.name, node);
  core.tree.namesChanged(parent, node.ctime);
}

/** Gives a file a further name. @throws {Fault} as `link(2)`. */
export function makeLink(core: Core, existing: string, path: string): void {
  const source = core.resolveExisting(existing, false);
  const place = core.resolve(path, "never");
  requireAbsent(place);
  if (place.trailingSlash) throw new Fault("ENOENT");
  requireLinkable(source);
  const parent = writableParent(core, place);
  if (isDirectory(source)) throw new Fault("EPERM");
  const node = core.copyUp(source);
  core.tree.touch(node);
  node.nlink += 1;
  node.ctime = presentInstant();
  core.tree.putNew(parent, place.name, node);
  core.tree.namesChanged(parent);
  if (core.tree.feed.isWatched) core.tree.feed.counted(node);
}

/** What `protected_hardlinks` of Linux asks of a user who does not own the file. */
function requireLinkable({ found }: ExistingPlace): void {
  const node = found.kind === "upper" ? found.node : found.stats;
  const { uid } = credentials;
  if (uid === 0 || uid === node.uid || protections.hardlinks === 0) return;
  const isPlain = (node.mode & S_IFMT) === S_IFREG && (node.mode & setuidBit) === 0;
  const isPrivileged = (node.mode & (setgidBit | groupExecute)) === (setgidBit | groupExecute);
  const { mode, gid } = node;
  const isUsable = isPermitted({ mode, uid: node.uid, gid, kind: "file" }, mayRead | mayWrite);
  if (!isPlain || isPrivileged || !isUsable) throw new Fault("EPERM");
}

/** Takes a name of a file away. @throws {Fault} as `unlink(2)`. */
export function removeFile(core: Core, path: string): void {
  const place = core.resolve(path, "never");
  if (place.last !== "name") throw new Fault("EISDIR");
  if (!exists(place)) throw new Fault("ENOENT");
  if (place.trailingSlash) throw new Fault(isDirectory(place) ? "EISDIR" : "ENOTDIR");
  const parent = removableFrom(core, place);
  if (isDirectory(place)) throw new Fault("EISDIR");
  const now = presentInstant();
  dropName(core, place, now);
  core.tree.remove(parent, place.name);
  core.tree.namesChanged(parent, now);
}

/** Takes an empty directory away. @throws {Fault} as `rmdir(2)`. */
export function removeDirectory(core: Core, path: string): void {
  const place = core.resolve(path, "never");
  if (place.last === "dot") throw new Fault("EINVAL");
  if (place.last === "dotdot") throw new Fault("ENOTEMPTY");
  // It lies in a directory of the disk, but is not to be taken away from there.
  if (place.last === "root") {
    throw new Fault(core.tree.isEmpty(core.tree.root) ? "EBUSY" : "ENOTEMPTY");
  }
  if (!exists(place)) throw new Fault("ENOENT");
  const parent = removableFrom(core, place);
  if (!isDirectory(place)) throw new Fault("ENOTDIR");
  if (!isEmptyDirectory(core, place)) throw new Fault("ENOTEMPTY");
  dropDirectory(core, place);
  core.tree.remove(parent, place.name);
  core.tree.countDirectory(parent, -1);
  core.tree.namesChanged(parent);
}

/** Marks the directory at a place as gone, for handles that still reach it. */
export function dropDirectory(core: Core, place: ExistingPlace): void {
  const { found } = place;
  if (core.tree.feed.isWatched) {
    const node = found.kind === "upper" ? found.node : place.directory.passed.get(place.name);
    if (node !== undefined) core.tree.feed.moved(node);
  }
  if (found.kind !== "upper" || found.node.kind !== "directory") return;
  core.tree.touch(found.node);
  found.node.removed = true;
  found.node.nlink = 0;
}

/** Counts one name less of the file at a place, if anyone can still see the count. */
export function dropName(core: Core, place: ExistingPlace, now = presentInstant()): void {
  const { found } = place;
  let node: Node | undefined;
  if (core.tree.feed.isWatched) tellOfName(core, found.kind === "upper" ? found.node : found.stats);
  if (found.kind === "upper") node = found.node;
  else if (found.stats.nlink > 1 || core.descriptors.hasLower) node = core.copyUp(place);
  if (node === undefined) return;
  core.tree.touch(node);
  node.nlink -= 1;
  node.ctime = now;
}

function tellOfName(core: Core, node: Identity & { readonly nlink: number }): void {
  core.tree.feed.counted(node);
  if (node.nlink <= 1) core.tree.feed.moved(node);
}

/** Whether a directory shows no entry at all. */
export function isEmptyDirectory(core: Core, place: ExistingPlace): boolean {
  const { found } = place;
  try {
    if (found.kind === "lower") return core.tree.shownNames(found.path).length === 0;
    return found.node.kind === "directory" && core.tree.isEmpty(found.node);
  } catch (caught) {
    // What this user may not list is taken for full: nothing unseen may be deleted.
    if (codeOf(caught) === "EACCES") return false;
    throw caught;
  }
}

/** The directory of a place, ready for a new name in it. */
export function writableParent(core: Core, place: Place): DirectoryNode {
  const { directory } = place;
  core.requireChangeable(place);
  if (directory.removed) throw new Fault("ENOENT");
  core.tree.attach(directory);
  requireAccess(directory, mayWrite | mayExecute);
  if (core.tree.isHidden(directory, place.name)) {
    throw new Fault("EACCES", { reason: "permission denied, the name is draftfs' own" });
  }
  return directory;
}

/** The directory of a place, ready to lose the name of what lies there. */
export function removableFrom(core: Core, place: ExistingPlace): DirectoryNode {
  const directory = writableParent(core, place);
  const { found } = place;
  requireUnsticky(directory, found.kind === "upper" ? found.node : found.stats);
  return directory;
}

function requireAbsent(place: Place): void {
  if (place.found !== undefined || place.last !== "name") throw new Fault("EEXIST");
}
