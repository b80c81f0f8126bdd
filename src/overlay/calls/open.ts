import { constants } from "../../disk/lower/lower-classes.ts";
import { FileContent } from "../content/file-content.ts";
import type { Core } from "../core.ts";
import {
  dropPrivileges,
  isPermitted,
  mayRead,
  mayWrite,
  requireAccess,
  requireOwner,
} from "../credentials.ts";
import { OpenFile } from "../descriptors.ts";
import { Fault } from "../file-system-error.ts";
import { presentInstant } from "../instant.ts";
import type { FileNode, Node } from "../node.ts";
import {
  type ExistingPlace,
  exists,
  type Following,
  isDirectory,
  type Place,
} from "../path/path-walk.ts";
import { requireCreatable } from "../path/sticky-directory.ts";
import { makeFile } from "./name-changes.ts";

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOATIME, O_NOFOLLOW, O_RDWR, O_TRUNC, O_WRONLY } =
  constants as typeof constants & { readonly O_NOATIME: number };
const accessMask = O_WRONLY | O_RDWR;

/**
 * Opens what lies at a path, ready to be written to if the flags say so.
 *
 * @param options.isLazy lets a file of the lower be copied up when it is first written to. It must
 *   be registered as a descriptor then, and closed.
 * @throws {Fault} as `open(2)`.
 */
export function openFile(
  core: Core,
  path: string,
  flags: number,
  mode: number,
  options: { readonly isLazy?: boolean } = {},
): OpenFile {
  // Linux used to make a file and then fail; it refuses since 6.4.
  if ((flags & O_CREAT) !== 0 && (flags & O_DIRECTORY) !== 0) throw new Fault("EINVAL");
  const isExclusive = (flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0;
  const place = core.resolve(path, followingOf(flags));
  if (!exists(place)) return createAt(core, place, flags, mode);
  if (isExclusive) throw new Fault("EEXIST");
  requireKind(place, flags);
  if ((flags & O_CREAT) !== 0) requireCreatable(core.tree, place.directory, place.found);
  if (isChanging(flags)) core.requireChangeable(place);
  if (place.found.kind === "lower") return openLower(core, place, flags, options.isLazy === true);
  const { node } = place.found;
  requireNodeAccess(node, flags);
  requireQuiet(node, flags);
  if ((flags & O_TRUNC) !== 0 && node.kind === "file") truncateNode(core, node, 0);
  return new OpenFile(flags, { node });
}

function followingOf(flags: number): Following {
  if ((flags & O_CREAT) === 0) return (flags & O_NOFOLLOW) === 0 ? "always" : "before slash";
  return (flags & (O_EXCL | O_NOFOLLOW)) === 0 ? "for creation" : "for new file";
}

function isChanging(flags: number): boolean {
  return (flags & accessMask) !== 0 || (flags & O_TRUNC) !== 0;
}

function createAt(core: Core, place: Place, flags: number, mode: number): OpenFile {
  if ((flags & O_CREAT) === 0) throw new Fault("ENOENT");
  return new OpenFile(flags, {
    node: makeFile(core, place, mode, FileContent.empty(core.memory.budget)),
  });
}

function requireKind(place: ExistingPlace, flags: number): void {
  const { found } = place;
  if (isDirectory(place)) {
    if (isChanging(flags) || (flags & O_CREAT) !== 0) throw new Fault("EISDIR");
    return;
  }
  if (place.trailingSlash || (flags & O_DIRECTORY) !== 0) throw new Fault("ENOTDIR");
  const isLink =
    found.kind === "upper" ? found.node.kind === "symlink" : found.stats.isSymbolicLink();
  if (isLink) throw new Fault("ELOOP");
  const isFile = found.kind === "upper" ? found.node.kind === "file" : found.stats.isFile();
  // A fifo, socket or device acts outside of the tree: no overlay can hold back what it does.
  if (!isFile) {
    throw new Fault("EACCES", { reason: "permission denied, not a regular file or directory" });
  }
}

function openLower(core: Core, place: ExistingPlace, flags: number, isLazy: boolean): OpenFile {
  const { found } = place;
  if (found.kind !== "lower") throw new Fault("EIO");
  const { mode, uid, gid } = found.stats;
  if ((flags & O_NOATIME) !== 0) {
    const kind = found.stats.isDirectory() ? "directory" : "file";
    requireNodeAccess({ mode, uid, gid, kind }, flags);
  }
  requireQuiet(found.stats, flags);
  if (!isChanging(flags)) {
    const lowerDescriptor = core.lower.open(found.path);
    return new OpenFile(flags, { lowerDescriptor, place });
  }
  requireNodeAccess({ mode, uid, gid, kind: "file" }, flags);
  if (isLazy && (flags & O_TRUNC) === 0 && isPermitted({ mode, uid, gid, kind: "file" }, mayRead)) {
    return new OpenFile(flags, { lowerDescriptor: core.lower.open(found.path), place });
  }
  const node = core.copyUp(place);
  if ((flags & O_TRUNC) !== 0 && node.kind === "file") truncateNode(core, node, 0);
  return new OpenFile(flags, { node });
}

function requireNodeAccess(node: Pick<Node, "mode" | "uid" | "gid" | "kind">, flags: number): void {
  let wanted = 0;
  if ((flags & accessMask) !== O_WRONLY) wanted |= mayRead;
  if (isChanging(flags)) wanted |= mayWrite;
  requireAccess(node, wanted);
}

/** Only its owner may hide that a file is read. */
function requireQuiet(node: Pick<Node, "uid">, flags: number): void {
  if ((flags & O_NOATIME) !== 0) requireOwner(node);
}

/** Reads at a position (`undefined`: the file's own, which moves). @throws {Fault} as `read(2)`. */
export function readFrom(
  core: Core,
  file: OpenFile,
  buffer: Uint8Array,
  position: number | undefined,
): number {
  if (!file.isReadable) throw new Fault("EBADF");
  const at = position ?? file.position;
  let count: number;
  if (file.place !== undefined && isDirectory(file.place)) throw new Fault("EISDIR");
  if (file.lowerDescriptor !== undefined) {
    count = core.lower.fs.readSync(file.lowerDescriptor, buffer, 0, buffer.length, at);
  } else {
    if (file.node?.kind !== "file") throw new Fault("EISDIR");
    count = file.node.content.read(buffer, at);
  }
  if (position === undefined) file.position = at + count;
  return count;
}

/**
 * Writes at a position (`undefined`: the file's own, which moves). @throws {Fault} as `write(2)`.
 */
export function writeTo(
  core: Core,
  file: OpenFile,
  bytes: Uint8Array,
  position: number | undefined,
): number {
  if (!file.isWritable) throw new Fault("EBADF");
  if (bytes.length === 0) return 0;
  const node = core.nodeOf(file);
  if (node.kind !== "file") throw new Fault("EBADF");
  // On Linux a file opened for appending appends, whatever position is given.
  const at = file.isAppending ? node.content.size : (position ?? file.position);
  core.tree.touch(node);
  node.content.write(bytes, at);
  contentChanged(core, node);
  if (position === undefined) file.position = at + bytes.length;
  return bytes.length;
}

/** Cuts or grows a file. @throws {Fault} as `ftruncate(2)`. */
export function truncateOpen(core: Core, file: OpenFile, size: number): void {
  if (!file.isWritable) throw new Fault("EINVAL");
  const node = core.nodeOf(file);
  if (node.kind !== "file") throw new Fault("EINVAL");
  truncateNode(core, node, size);
}

/** Cuts or grows the content of a node. */
export function truncateNode(core: Core, node: FileNode, size: number): void {
  core.tree.touch(node);
  node.content.truncate(size);
  contentChanged(core, node);
}

/** Replaces the content of a node by one that nobody else holds. */
export function replaceContent(core: Core, node: FileNode, content: FileContent): void {
  core.tree.touch(node);
  node.content = content;
  contentChanged(core, node);
}

function contentChanged(core: Core, node: FileNode): void {
  node.mtime = presentInstant();
  node.ctime = node.mtime;
  node.timesSet = false;
  dropPrivileges(node);
  core.tree.changed(node);
}
