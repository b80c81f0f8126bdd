import type fs from "node:fs";
import { noneIfAbsent } from "../../disk/lower/lower.ts";
import { constants, Dirent } from "../../disk/lower/lower-classes.ts";
import { absoluteOf, childOf } from "../../disk/tree-path.ts";
import type { Core } from "../core.ts";
import { mayRead, requireAccess } from "../credentials.ts";
import type { OpenFile } from "../descriptors.ts";
import { Fault } from "../file-system-error.ts";
import type { DirectoryNode, Node } from "../node.ts";
import { inNameOrder } from "../path/name-order.ts";
import { isDirectory } from "../path/path-walk.ts";
import { bigIntStatsOf, statsOf } from "../stats.ts";
import { followRoot } from "./follow-root.ts";
import { followTimes } from "./follow-times.ts";

/** What `stat` (follow) or `lstat` says of a path. @throws {Fault} as `stat(2)`. */
export function inspect(
  core: Core,
  path: string,
  options: { readonly follow: boolean; readonly bigint: boolean },
): fs.Stats | fs.BigIntStats {
  const { found } = core.resolveExisting(path, options.follow);
  if (found.kind === "upper") return describeNode(core, found.node, options.bigint);
  if (!options.bigint) return found.stats;
  const stats = core.lower.lstatExact(found.path);
  if (stats === undefined) throw new Fault("ENOENT");
  return stats;
}

/** What `fstat` says of an open file. */
export function describe(core: Core, file: OpenFile, bigint: boolean): fs.Stats | fs.BigIntStats {
  const { node, lowerDescriptor } = file;
  if (node !== undefined) return describeNode(core, node, bigint);
  if (lowerDescriptor === undefined) throw new Fault("EBADF");
  return core.lower.describe(lowerDescriptor, bigint);
}

/** What is said of an upper node. */
export function describeNode(core: Core, node: Node, bigint: boolean): fs.Stats | fs.BigIntStats {
  followRoot(core, node);
  followTimes(core, node);
  return bigint ? bigIntStatsOf(node) : statsOf(node);
}

/** The target of a link, exactly as it was given. @throws {Fault} as `readlink(2)`. */
export function readLink(core: Core, path: string): string {
  const { found } = core.resolveExisting(path, false);
  if (found.kind === "upper") {
    if (found.node.kind !== "symlink") throw new Fault("EINVAL");
    return found.node.target;
  }
  if (!found.stats.isSymbolicLink()) throw new Fault("EINVAL");
  return core.lower.readlink(found.path);
}

/** The absolute path without links. @throws {Fault} as `realpath(3)`. */
export function realPath(core: Core, path: string): string {
  const place = core.resolveExisting(path, true);
  const outside = core.outsidePathOf(place);
  if (outside !== undefined) return outside;
  const parent = core.tree.pathOf(place.directory);
  const own = place.name === "" ? parent : childOf(parent, place.name);
  return absoluteOf(core.tree.rootPath, own);
}

/** Whether this process may use a path. @throws {Fault} as `access(2)`. */
export function checkAccess(core: Core, path: string, mode: number): void {
  const place = core.resolveExisting(path, true);
  const wanted = mode & 7;
  if (wanted === 0) return;
  const {
    mode: bits,
    uid,
    gid,
  } = place.found.kind === "upper" ? place.found.node : place.found.stats;
  const kind = isDirectory(place) ? "directory" : "file";
  requireAccess({ mode: bits, uid, gid, kind }, wanted);
}

/** One name that a directory shows. */
export interface ShownEntry {
  readonly name: string;
  /** `UV_DIRENT_…`, as in a `Dirent`. */
  readonly type: number;
}

/**
 * The entries of a directory, ordered by the bytes of their names. @throws {Fault} as `readdir(3)`.
 */
export function listDirectory(core: Core, path: string): ShownEntry[] {
  const place = core.resolveExisting(path, true);
  if (!isDirectory(place)) throw new Fault("ENOTDIR");
  const { found } = place;
  if (found.kind === "lower") return listLower(core, found.path);
  if (found.node.kind !== "directory") throw new Fault("ENOTDIR");
  requireAccess(found.node, mayRead);
  return listMerged(core, found.node);
}

function listLower(core: Core, path: string): ShownEntry[] {
  return core.lower.readdir(path).map((entry) => ({ name: entry.name, type: typeOf(entry) }));
}

/** What a directory shows: the lower's names that are not hidden, and the upper's. */
export function listMerged(core: Core, directory: DirectoryNode): ShownEntry[] {
  const { entries, lowerPath } = directory;
  const isShown = ({ name }: ShownEntry): boolean =>
    entries?.has(name) !== true && !core.tree.isHidden(directory, name);
  const shown = lowerPath === undefined ? [] : noneIfAbsent(() => listLower(core, lowerPath));
  const below = shown.filter(isShown);
  const own: ShownEntry[] = [];
  for (const [name, { node }] of entries ?? []) {
    if (node !== undefined) own.push({ name, type: typeOfNode(node) });
  }
  return inNameOrder(below, own, ({ name }) => name);
}

/** The names of {@link listDirectory}, without a look at what they name. @throws {Fault} */
export function listNames(core: Core, path: string): string[] {
  const place = core.resolveExisting(path, true);
  if (!isDirectory(place)) throw new Fault("ENOTDIR");
  const { found } = place;
  if (found.kind === "lower") return core.lower.names(found.path);
  if (found.node.kind !== "directory") throw new Fault("ENOTDIR");
  requireAccess(found.node, mayRead);
  const { entries, lowerPath } = found.node;
  const shown = lowerPath === undefined ? [] : core.tree.shownNames(lowerPath);
  const below = entries === undefined ? shown : shown.filter((name) => !entries.has(name));
  const own: string[] = [];
  for (const [name, { node }] of entries ?? []) if (node !== undefined) own.push(name);
  return inNameOrder(below, own, (name) => name);
}

const { UV_DIRENT_DIR, UV_DIRENT_FILE, UV_DIRENT_LINK } = constants as unknown as Record<
  string,
  number
> & { UV_DIRENT_DIR: number; UV_DIRENT_FILE: number; UV_DIRENT_LINK: number };
const direntTypes = constants as unknown as Readonly<Record<string, number>>;

function typeOf(entry: fs.Dirent): number {
  if (entry.isFile()) return UV_DIRENT_FILE;
  if (entry.isDirectory()) return UV_DIRENT_DIR;
  if (entry.isSymbolicLink()) return UV_DIRENT_LINK;
  if (entry.isFIFO()) return direntTypes["UV_DIRENT_FIFO"] ?? 0;
  if (entry.isSocket()) return direntTypes["UV_DIRENT_SOCKET"] ?? 0;
  if (entry.isCharacterDevice()) return direntTypes["UV_DIRENT_CHAR"] ?? 0;
  if (entry.isBlockDevice()) return direntTypes["UV_DIRENT_BLOCK"] ?? 0;
  return 0;
}

/** Whether a `UV_DIRENT_…` type is a directory's. */
export function isDirectoryType(type: number): boolean {
  return type === UV_DIRENT_DIR;
}

function typeOfNode(node: Node): number {
  switch (node.kind) {
    case "file":
      return UV_DIRENT_FILE;
    case "directory":
      return UV_DIRENT_DIR;
    case "symlink":
      return UV_DIRENT_LINK;
    case "other":
      return typeOfMode(node.mode);
  }
}

const { S_IFMT, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK } = constants;

function typeOfMode(mode: number): number {
  const names = new Map([
    [S_IFIFO, "UV_DIRENT_FIFO"],
    [S_IFSOCK, "UV_DIRENT_SOCKET"],
    [S_IFCHR, "UV_DIRENT_CHAR"],
    [S_IFBLK, "UV_DIRENT_BLOCK"],
  ]);
  return direntTypes[names.get(mode & S_IFMT) ?? ""] ?? 0;
}

const makeDirent = Dirent as unknown as new (
  name: unknown,
  type: number,
  path: unknown,
) => fs.Dirent;

/** A `Dirent` as Node makes it. */
export function direntOf(name: unknown, type: number, parentPath: unknown): fs.Dirent {
  return new makeDirent(name, type, parentPath);
}
