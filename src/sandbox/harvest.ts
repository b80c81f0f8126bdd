import { type BigIntStats, closeSync, constants } from "node:fs";
import { type Stamp, stampOf } from "../disk/stamp.ts";
import { absoluteOf, childOf, parentOf, type TreePath } from "../disk/tree-path.ts";
import type { Layer } from "../overlay/layer.ts";
import type { Content, LowerNode, NodeMeta } from "../overlay/pending.ts";
import type { LentContents } from "./lent-contents.ts";
import { lstatLower, readLowerNames } from "./lower-view.ts";
import { type Merge, type Mirror, MirrorNode } from "./mirror.ts";
import { resolveRedirect } from "./overlay-redirects.ts";
import type { PinnedTree } from "./pinned-tree.ts";
import { isHidden, metaOf } from "./push.ts";
import { hasSameBytes } from "./same-bytes.ts";

const { O_RDONLY, O_NONBLOCK } = constants;
/** Our own reading must not pass for a command's. Systems other than Linux lack it. */
const O_NOATIME = constants.O_NOATIME ?? 0;

/** The places that a harvest works between. */
export interface HarvestSource {
  readonly layer: Layer;
  readonly view: PinnedTree;
  readonly upper: PinnedTree;
  readonly mirror: Mirror;
  /** A lower node that changed at or after this moment may not be what the command saw. */
  readonly startedNs: bigint;
  /** Whether commands may still be writing. */
  readonly isLive: boolean;
  /** Keeps the bytes of harvested files. */
  readonly contents: LentContents;
  /** Whether the upper holds the whole tree (a clone), so that nothing shows through it. */
  readonly isComplete: boolean;
  /**
   * Which files may have been written without a new change time: on a tmpfs, writing by a memory
   * map moves none when the page was read first. None; or those whose access time has moved.
   */
  readonly writtenByMap: "none" | "accessed";
  /** The redirect attribute of a directory of the upper, where the engine uses it. */
  readonly readRedirect?: (path: TreePath) => string | undefined;
  /**
   * Where on the disk a node lies that the upper shows as the user's own and is another's: in a
   * namespace of one user no other has a number.
   */
  readonly readForeign?: (path: TreePath) => TreePath | undefined;
}

/** What a command did to one path. */
export interface HarvestedChange {
  readonly path: TreePath;
  readonly kind: "file" | "directory" | "symlink" | "other" | "metadata" | "removed";
  /** The file has further names on the disk, which overlayfs has left as they were. */
  readonly isSplit?: true;
}

/**
 * Takes into the layer what commands changed in the upper since the mirror was last brought up to
 * date. Nothing but the upper is walked: the size of the tree does not matter.
 */
export function harvestUpper(source: HarvestSource): HarvestedChange[] {
  const harvest = new Harvest(source);
  try {
    harvest.directory("", source.mirror.root, { own: true, shown: "" });
    source.mirror.generation = source.layer.generation;
    return harvest.changes;
  } finally {
    source.upper.close();
    source.view.close();
  }
}

/** What the real tree holds below a directory of the upper. */
interface Below {
  /**
   * Whether it has a directory at the same path, reached through directories only: a lookup below
   * a link would lead somewhere else.
   */
  readonly own: boolean;
  /** The directory of the lower that shows through. */
  readonly shown: TreePath | undefined;
}

/** One entry of the upper, and what the real tree holds at its path. */
interface Entry {
  readonly path: TreePath;
  readonly stats: BigIntStats;
  /** What the lower holds at the very path. */
  readonly lower: BigIntStats | undefined;
  /** Path in the lower of what would show through here. */
  readonly shown: TreePath | undefined;
}

class Harvest {
  readonly changes: HarvestedChange[] = [];
  readonly #source: HarvestSource;
  /** Inodes that were found to be written by a memory map: all of their names have changed. */
  readonly #mapped = new Set<bigint>();

  constructor(source: HarvestSource) {
    this.#source = source;
  }

  /**
   * Everything in one directory of the upper.
   *
   * @param below what the real tree holds there.
   */
  directory(path: TreePath, node: MirrorNode, below: Below): void {
    const { upper } = this.#source;
    const names = new Set(upper.readdir(path));
    for (const [name, child] of node.children) {
      if (names.has(name) || child.ino === undefined) continue;
      this.#removed(childOf(path, name), undefined);
      node.children.delete(name);
    }
    for (const name of [...names].sort()) {
      const childPath = childOf(path, name);
      if (isHidden(childPath)) continue;
      try {
        this.#name(childPath, name, node, below);
      } catch (error) {
        // A running command has removed it while we looked; a later harvest says so.
        const { code } = error as NodeJS.ErrnoException;
        if (!this.#source.isLive || !swapped.has(code ?? "")) throw error;
      }
    }
  }

  #name(path: TreePath, name: string, parent: MirrorNode, below: Below): void {
    const { upper, layer, isLive } = this.#source;
    const stats = upper.lstat(path);
    if (stats === undefined) return;
    const isDirectory = stats.isDirectory();
    let node = parent.children.get(name);
    const isSettled = isLive || node?.isUnsettled !== true;
    const isSame = !isDirectory && isSettled && node?.matches(stats) === true;
    if (isSame && !this.#isWrittenByMap(path, stats, node)) return;
    const lower = below.own ? lstatLower(layer.root, path) : undefined;
    const shown = below.shown === undefined ? undefined : childOf(below.shown, name);
    if (node === undefined) {
      node = new MirrorNode();
      parent.children.set(name, node);
    }
    if (isDirectory) this.#subdirectory({ path, stats, lower, shown }, node);
    else {
      node.children.clear();
      this.#leaf({ path, stats, lower, shown });
      this.#record(node, stats);
    }
  }

  /** Compares the bytes of a file that may have been written while its times stayed the same. */
  #isWrittenByMap(path: TreePath, stats: BigIntStats, node: MirrorNode | undefined): boolean {
    const { layer, writtenByMap, isLive } = this.#source;
    if (writtenByMap === "none" || node === undefined || !stats.isFile()) return false;
    if (node.atimeNs === stats.atimeNs) return false;
    if (this.#mapped.has(stats.ino)) return true;
    const descriptor = this.#withAccess(path, () => this.#open(path));
    try {
      const size = Number(stats.size);
      if (!hasSameBytes(layer, this.#place(path), { descriptor, size })) {
        this.#mapped.add(stats.ino);
        return true;
      }
    } finally {
      closeSync(descriptor);
    }
    node.atimeNs = stats.atimeNs;
    // As long as it runs it may write to its map without any further trace.
    node.isUnsettled ||= isLive;
    return false;
  }

  #leaf(entry: Entry): void {
    const { path, stats, lower } = entry;
    if (isWhiteout(stats)) this.#removed(path, lower);
    else if (stats.isFile()) this.#file(entry);
    else if (stats.isSymbolicLink()) this.#symlink(entry);
    else this.#other(entry);
  }

  #subdirectory(entry: Entry, node: MirrorNode): void {
    const { path, stats, lower } = entry;
    const { layer, view, upper } = this.#source;
    // The kind as well: disks give the inode number of a removed file to the next directory.
    const isNew = node.ino !== stats.ino || !node.isDirectory;
    const unlocked = this.#unlock(path, stats);
    const merge = (isNew ? undefined : node.merge) ?? this.#mergeOf(entry);
    const shown = this.#shown(path);
    const isReplaced = isNew && shown !== undefined && (merge.isMoved || !shown.isDirectory());
    if (isReplaced) {
      layer.adopt({ kind: "whiteout", path });
      node.children.clear();
    }
    if (shown === undefined || isReplaced) {
      this.#adoptDirectory(entry, merge);
      this.changes.push({ path, kind: "directory" });
    }
    node.merge = merge;
    if (isNew) node.takeMerge(merge, path);
    const own = lower?.isDirectory() === true;
    this.directory(path, node, { own, shown: merge.lower });
    if (unlocked) view.chmod(path, Number(stats.mode) & 0o7777);
    if (!node.matches(stats)) this.#directoryMeta(entry, node);
    this.#record(node, unlocked ? (upper.lstat(path) ?? stats) : stats);
  }

  #adoptDirectory(entry: Entry, merge: Merge): void {
    const { path, stats } = entry;
    const { layer } = this.#source;
    const redirect = merge.isMoved ? merge.lower : undefined;
    const moved = redirect === undefined ? undefined : lstatLower(layer.root, redirect);
    layer.adopt({
      kind: "directory",
      path,
      meta: this.#metaOf(entry),
      opaque: merge.lower === undefined,
      redirect,
      timesSet: areTimesSet(stats),
      ...(redirect !== undefined &&
        moved !== undefined && { origin: { path: redirect, stamp: stampOf(moved) } }),
      ...this.#baseOf(entry),
    });
  }

  /** Gives back, for the moment, the right to look into a directory that a command took away. */
  #unlock(path: TreePath, stats: BigIntStats): boolean {
    const mode = Number(stats.mode) & 0o7777;
    if ((mode & 0o500) === 0o500 || process.geteuid?.() === 0) return false;
    // Through the view, which would go on refusing if only the upper knew.
    this.#source.view.chmod(path, mode | 0o700);
    return true;
  }

  /** Adopting what lies in a directory moved its times in the layer; the upper's are the truth. */
  #directoryMeta(entry: Entry, node: MirrorNode): void {
    const { path, stats, lower } = entry;
    const { layer } = this.#source;
    const shown = this.#shown(path);
    if (shown === undefined) return;
    const meta = this.#metaOf(entry);
    const was = metaOf(shown);
    const isChanged = was.mode !== meta.mode || was.uid !== meta.uid || was.gid !== meta.gid;
    const timesSet = areTimesSet(stats) && lower?.mtimeNs !== stats.mtimeNs;
    if (!isChanged && shown.mtimeNs === stats.mtimeNs) return;
    const { isOpaque: opaque, redirect } = node;
    layer.adopt({ kind: "directory", path, meta, opaque, redirect, timesSet });
    if (isChanged) this.changes.push({ path, kind: "metadata" });
  }

  #removed(path: TreePath, lower: BigIntStats | undefined): void {
    const { layer } = this.#source;
    if (this.#shown(path) === undefined) return;
    layer.adopt({ kind: "whiteout", path, ...this.#baseOf({ path, lower }) });
    this.changes.push({ path, kind: "removed" });
  }

  #file(entry: Entry): void {
    const { path, stats } = entry;
    const { layer } = this.#source;
    const content = this.#withAccess(path, () => this.#contentOf(path, Number(stats.size)));
    const meta = this.#metaOf(entry);
    const ino = stats.nlink > 1n ? stats.ino : undefined;
    const base = this.#baseOf(entry);
    const node = { path, meta, content, ino, timesSet: true, isLasting: true };
    layer.adopt({ kind: "file", ...node, ...base });
    const isSplit = (entry.lower?.nlink ?? 1n) > 1n && stats.nlink === 1n;
    this.changes.push({ path, kind: "file", ...(isSplit && { isSplit }) });
  }

  #symlink(entry: Entry): void {
    const { path } = entry;
    const { layer, upper } = this.#source;
    const target = upper.readlink(path);
    const meta = this.#metaOf(entry);
    layer.adopt({ kind: "symlink", path, target, meta, timesSet: true, ...this.#baseOf(entry) });
    this.changes.push({ path, kind: "symlink" });
  }

  #other(entry: Entry): void {
    const { path, stats } = entry;
    const node = { path, meta: this.#metaOf(entry), timesSet: true, isSocket: stats.isSocket() };
    this.#source.layer.adopt({ kind: "other", ...node, ...this.#baseOf(entry) });
    this.changes.push({ path, kind: "other" });
  }

  /**
   * Which directory of the lower shows through one that is new in the upper. Its attributes that
   * say so cannot be read from Node; but whatever the view shows and the upper lacks is of a lower.
   */
  #mergeOf(entry: Entry): Merge {
    const { layer, upper, view } = this.#source;
    const { path, shown } = entry;
    if (this.#source.isComplete) return { lower: undefined, isMoved: shown !== undefined };
    const own = new Set(upper.readdir(path));
    const foreign = view.readdir(path).find((name) => !own.has(name));
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
    const redirect = this.#source.readRedirect?.(path);
    if (redirect === undefined) return { lower: shown, isMoved: false };
    const parent = shown === undefined ? undefined : parentOf(shown);
    return { lower: resolveRedirect(redirect, parent), isMoved: true };
  }

  /**
   * The lower node that the change replaces. Where it changed after the session began, the command
   * may have worked on what was there before: such a base matches nothing, so that the commit
   * compares and reports a conflict instead of losing the other change.
   */
  #baseOf({ path, lower }: Pick<Entry, "path" | "lower">): { readonly base?: LowerNode } {
    if (lower === undefined || lower.ctimeNs < this.#source.startedNs) return {};
    const stamp: Stamp = { ...stampOf(lower), ctimeNs: 0n, mtimeNs: 0n, ino: 0n };
    return { base: { path, stamp } };
  }

  /** With the true owner. */
  #metaOf({ path, stats }: Pick<Entry, "path" | "stats">): NodeMeta {
    const { layer, readForeign } = this.#source;
    const place = readForeign?.(path);
    const owner = place === undefined ? undefined : lstatLower(layer.root, place);
    const meta = metaOf(stats);
    if (owner === undefined) return meta;
    return { ...meta, uid: Number(owner.uid), gid: Number(owner.gid) };
  }

  #contentOf(path: TreePath, size: number): Content {
    const { contents, isLive } = this.#source;
    return contents.contentOf(this.#open(path), size, isLive);
  }

  #open(path: TreePath): number {
    return this.#source.upper.open(path, O_RDONLY | O_NONBLOCK | O_NOATIME);
  }

  /** Runs `read`; where the command took our right to read away, gives it back for the moment. */
  #withAccess<T>(path: TreePath, read: () => T): T {
    const { upper } = this.#source;
    try {
      return read();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EACCES") throw error;
      const stats = upper.lstat(path);
      if (stats === undefined) throw error;
      const mode = Number(stats.mode) & 0o7777;
      upper.chmod(path, mode | 0o700);
      try {
        return read();
      } finally {
        upper.chmod(path, mode);
      }
    }
  }

  /** What was looked at before it was read is what is known: a live file may change any time. */
  #record(node: MirrorNode, stats: BigIntStats): void {
    const { isLive, layer } = this.#source;
    node.record(stats);
    node.isUnsettled = isLive;
    node.generation = layer.generation;
  }

  #shown(path: TreePath): BigIntStats | undefined {
    const { layer } = this.#source;
    const options = { bigint: true, throwIfNoEntry: false } as const;
    return layer.fs.lstatSync(this.#place(path), options) as BigIntStats | undefined;
  }

  #place(path: TreePath): string {
    return absoluteOf(this.#source.layer.root, path);
  }
}

/** What fails when a running command puts something else in the place of what was looked at. */
const swapped = new Set("ENOENT ENOTDIR ELOOP EINVAL EISDIR EXDEV ENOTSUP EOPNOTSUPP".split(" "));

/** A whiteout of overlayfs is a character device 0, 0. */
function isWhiteout(stats: BigIntStats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0n;
}

/**
 * Whether the times of a directory were set by a command. Making a name in it sets both times
 * alike; they differ when `utimes` came after, or `chmod`, and then keeping them is right as well.
 */
function areTimesSet(stats: BigIntStats): boolean {
  return stats.mtimeNs !== stats.ctimeNs;
}
