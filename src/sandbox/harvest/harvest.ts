import { type BigIntStats, closeSync, constants } from "node:fs";
import type { NodeStats } from "../../disk/node-stats.ts";
import { stampOf } from "../../disk/stamp.ts";
import { childOf, type TreePath } from "../../disk/tree-path.ts";
import { bufferContent } from "../../overlay/content/content.ts";
import type { Content, NodeMeta } from "../../overlay/pending/pending.ts";
import { type Entry, type HarvestSource, upperNames } from "./harvest-source.ts";
import { baseOf, seenNs } from "./harvested-base.ts";
import type { HarvestedChange } from "./harvested-change.ts";
import { lstatShown, placeIn } from "./layer-view.ts";
import { isStale, lostContent } from "./lost-content.ts";
import { lstatLower } from "./lower-view.ts";
import { mergeOf } from "./merge-of.ts";
import { type Merge, MirrorNode } from "./mirror.ts";
import { MovedFiles } from "./moved-files.ts";
import { OtherAttributes } from "./other-attributes.ts";
import { hasOwnNames } from "./own-names.ts";
import { isHidden, metaOf } from "./push.ts";
import { hasSameBytes } from "./same-bytes.ts";
import { isSplitOff } from "./split-names.ts";
import { type TouchedNames, WatchedNames } from "./touched-names.ts";
import { areTimesSet, isWhiteout } from "./upper-nodes.ts";
import { withAccess } from "./with-access.ts";

const { O_RDONLY, O_NONBLOCK } = constants;
/** Our own reading must not pass for a command's. Systems other than Linux lack it. */
const O_NOATIME = constants.O_NOATIME ?? 0;

/**
 * Takes into the layer what commands changed in the upper since the mirror was last brought up to
 * date. Nothing but the upper is walked: the size of the tree does not matter.
 */
export function harvestUpper(source: HarvestSource): HarvestedChange[] {
  const { mirror, layer, isLive, watch, touched } = source;
  const lookedNs = BigInt(Date.now()) * 1_000_000n;
  const known = touched ?? (isLive ? undefined : WatchedNames.find(mirror, watch));
  const harvest = new Harvest(source, known);
  // Whatever goes wrong, the next one looks at everything.
  mirror.isSettled = false;
  try {
    harvest.run();
    mirror.isSettled = !isLive;
    mirror.lookedNs = lookedNs;
    mirror.generation = layer.generation;
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

class Harvest {
  readonly changes: HarvestedChange[] = [];
  readonly #source: HarvestSource;
  readonly #moved: MovedFiles;
  readonly #attributes: OtherAttributes;
  /** Inodes that were found to be written by a memory map: all of their names have changed. */
  readonly #mapped = new Set<bigint>();
  /** What alone can have changed; `undefined` for everything. */
  #touched: TouchedNames | undefined;
  #hasLinks = false;

  constructor(source: HarvestSource, touched: TouchedNames | undefined) {
    this.#source = source;
    this.#moved = new MovedFiles(source);
    this.#attributes = new OtherAttributes(source);
    this.#touched = touched;
  }

  run(): void {
    const { mirror } = this.#source;
    const look = (): void => this.directory("", mirror.root, { own: true, shown: "" });
    look();
    if (this.#touched?.knowsLinks === false && this.#hasLinks) {
      this.#touched = undefined;
      look();
    }
    for (const work of this.#moved.looks()) this.#unlessSwapped(work);
    this.#attributes.noteIn(this.changes);
    mirror.hasLinks = this.#hasLinks;
    this.#watch("", mirror.root);
  }

  /**
   * Everything in one directory of the upper that may have changed.
   *
   * @param below what the real tree holds there.
   * @param stats of the directory itself, where it was looked at.
   */
  directory(path: TreePath, node: MirrorNode, below: Below, stats?: NodeStats): void {
    const names = this.#namesToLookAt(path, node, below, stats);
    const changed: { readonly name: string; readonly stats: NodeStats }[] = [];
    for (const name of names) {
      this.#unlessSwapped(() => {
        const stats = this.#lookForChange(childOf(path, name), node.children.get(name));
        if (stats !== undefined) changed.push({ name, stats });
      });
    }
    for (const { name, stats } of changed.sort(byName)) {
      this.#unlessSwapped(() => this.#take(name, stats, { path, node, below }));
    }
  }

  /** Takes note of names that are gone, and returns those that may not be what the mirror knows. */
  #namesToLookAt(
    path: TreePath,
    node: MirrorNode,
    { own }: Below,
    stats: NodeStats | undefined,
  ): Iterable<string> {
    const known = this.#touched?.namesTouched(path, node, stats);
    if (known?.all !== undefined) return known.all;
    const { layer, isComplete } = this.#source;
    const names = upperNames(this.#source, path);
    for (const [name, child] of node.children) {
      if (names.has(name) || child.ino === undefined) continue;
      const at = childOf(path, name);
      // Elsewhere the lower has nothing there, or something lay in its place.
      this.#removed(at, isComplete && own ? lstatLower(layer.root, at) : undefined);
      node.children.delete(name);
    }
    return known === undefined ? names : [...names].filter(known.mayDiffer);
  }

  #watch(path: TreePath, node: MirrorNode): void {
    const { watch, isLive, upper } = this.#source;
    if (watch === undefined || isLive) return;
    if (path === "") node.ino = upper.lstat("")?.ino;
    watch.watch(path, node);
  }

  /** A running command may remove what we look at; a later harvest says so. */
  #unlessSwapped(work: () => void): void {
    try {
      work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!this.#source.isLive || !swapped.has(code ?? "")) throw error;
    }
  }

  /** What lies at a path, unless it is what the mirror knows; directories always. */
  #lookForChange(path: TreePath, node: MirrorNode | undefined): NodeStats | undefined {
    const { upper, isLive, nodeAt } = this.#source;
    if (isHidden(path)) return undefined;
    const stats = nodeAt?.(path)?.stats ?? upper.lstat(path);
    this.#hasLinks ||= stats?.isFile() === true && stats.nlink > 1n;
    if (stats === undefined || stats.isDirectory() || node?.matches(stats) !== true) return stats;
    if (!isLive && node.isUnsettled) return stats;
    return this.#isWrittenByMap(path, stats, node) ? stats : undefined;
  }

  #take(
    name: string,
    stats: NodeStats,
    parent: { readonly path: TreePath; readonly node: MirrorNode; readonly below: Below },
  ): void {
    const path = childOf(parent.path, name);
    const { own, shown: above } = parent.below;
    const lower = own ? lstatLower(this.#source.layer.root, path) : undefined;
    const shown = above === undefined ? undefined : childOf(above, name);
    let node = parent.node.children.get(name);
    if (node === undefined) {
      node = new MirrorNode();
      parent.node.children.set(name, node);
    }
    if (stats.isDirectory()) this.#subdirectory({ path, stats, lower, shown }, node);
    else {
      node.children.clear();
      this.#leaf({ path, stats, lower, shown });
      this.#record(node, stats);
    }
  }

  /** Compares the bytes of a file that may have been written while its times stayed the same. */
  #isWrittenByMap(path: TreePath, stats: NodeStats, node: MirrorNode): boolean {
    const { layer, writtenByMap, isLive } = this.#source;
    if (writtenByMap === "none" || !stats.isFile()) return false;
    if (node.atimeNs === stats.atimeNs) return false;
    if (this.#mapped.has(stats.ino)) return true;
    const descriptor = withAccess(this.#source.upper, path, () => this.#open(path));
    try {
      const size = Number(stats.size);
      if (!hasSameBytes(layer, placeIn(layer, path), { descriptor, size })) {
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
    const merge = (isNew ? undefined : node.merge) ?? mergeOf(this.#source, entry);
    const shown = this.#shown(path);
    const isReplaced = isNew && shown !== undefined && (merge.isMoved || !shown.isDirectory());
    if (isReplaced) {
      this.#moved.noteGone();
      layer.adopt({ kind: "whiteout", path, seenNs: seenNs(this.#source, { path, lower }) });
      node.children.clear();
    }
    if (shown === undefined || isReplaced) {
      this.#adoptDirectory(entry, merge);
      this.changes.push({ path, kind: "directory" });
    }
    node.merge = merge;
    if (isNew) node.takeMerge(merge, path);
    const own = lower?.isDirectory() === true;
    this.directory(path, node, { own, shown: merge.lower }, stats);
    if (unlocked) view.chmod(path, Number(stats.mode) & 0o7777);
    if (!node.matches(stats)) {
      this.#directoryMeta(entry, node);
      this.#attributes.lookAtDirectory(entry, merge.lower);
    }
    this.#record(node, unlocked ? (upper.lstat(path) ?? stats) : stats);
    this.#watch(path, node);
  }

  #adoptDirectory(entry: Entry, merge: Merge): void {
    const { path, stats, lower } = entry;
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
      ...(lower?.isDirectory() === true && merge.lower === path
        ? { seenNs: this.#source.startedNs }
        : baseOf(this.#source, entry)),
    });
  }

  /** Gives back, for the moment, the right to look into a directory that a command took away. */
  #unlock(path: TreePath, stats: NodeStats): boolean {
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
    const isAsBelow = lower?.mtimeNs === stats.mtimeNs;
    const isKept = isAsBelow && areTimesSet(stats) && hasOwnNames(this.#source, path, node);
    const timesSet = isKept || (areTimesSet(stats) && !isAsBelow);
    if (!isChanged && shown.mtimeNs === stats.mtimeNs && !isKept) return;
    const { isOpaque: opaque, redirect } = node;
    layer.adopt({ kind: "directory", path, meta, opaque, redirect, timesSet });
    if (isChanged) this.changes.push({ path, kind: "metadata" });
  }

  #removed(path: TreePath, lower: BigIntStats | undefined): void {
    const { layer } = this.#source;
    this.#moved.noteGone();
    if (this.#shown(path) === undefined) return;
    layer.adopt({ kind: "whiteout", path, ...baseOf(this.#source, { path, lower }) });
    this.changes.push({ path, kind: "removed" });
  }

  #file(entry: Entry): void {
    const { path, stats } = entry;
    const { layer } = this.#source;
    const content = withAccess(this.#source.upper, path, () => this.#contentOf(entry));
    const meta = this.#metaOf(entry);
    const ino = stats.nlink > 1n ? stats.ino : undefined;
    const base = baseOf(this.#source, entry);
    const node = { path, meta, content, ino, timesSet: true, isLasting: true };
    layer.adopt({ kind: "file", ...node, ...base });
    this.#moved.take(entry);
    const isSplit = isSplitOff(this.#source, entry, content);
    this.#attributes.lookAtFile(entry);
    this.changes.push({ path, kind: "file", ...(isSplit && { isSplit }) });
  }

  #symlink(entry: Entry): void {
    const { path } = entry;
    const { layer, upper } = this.#source;
    const target = upper.readlink(path);
    const meta = this.#metaOf(entry);
    layer.adopt({
      kind: "symlink",
      path,
      target,
      meta,
      timesSet: true,
      ...baseOf(this.#source, entry),
    });
    this.#moved.take(entry);
    this.changes.push({ path, kind: "symlink" });
  }

  #other(entry: Entry): void {
    const { path, stats } = entry;
    const node = { path, meta: this.#metaOf(entry), timesSet: true, isSocket: stats.isSocket() };
    this.#source.layer.adopt({ kind: "other", ...node, ...baseOf(this.#source, entry) });
    this.changes.push({ path, kind: "other" });
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

  #contentOf({ path, stats, shown = path }: Entry): Content {
    const told = this.#source.nodeAt?.(path)?.bytes;
    if (told !== undefined) return bufferContent(Buffer.from(told));
    const { contents, isLive, origins } = this.#source;
    const size = Number(stats.size);
    const origin = typeof origins === "function" ? origins(path, stats) : undefined;
    const place = origin ?? shown;
    try {
      return contents.contentOf(this.#open(path), { size, place, isLive });
    } catch (error) {
      if (!isStale(error)) throw error;
      return lostContent(place, size);
    }
  }

  #open(path: TreePath): number {
    return this.#source.upper.open(path, O_RDONLY | O_NONBLOCK | O_NOATIME);
  }

  /** What was looked at before it was read is what is known: a live file may change any time. */
  #record(node: MirrorNode, stats: NodeStats): void {
    const { isLive, layer } = this.#source;
    node.record(stats);
    node.isUnsettled = isLive;
    node.generation = layer.generation;
  }

  #shown(path: TreePath): BigIntStats | undefined {
    return lstatShown(this.#source.layer, path);
  }
}

/** What fails when a running command puts something else in the place of what was looked at. */
const swapped = new Set("ENOENT ENOTDIR ELOOP EINVAL EISDIR EXDEV ENOTSUP EOPNOTSUPP".split(" "));

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : 1;
}
