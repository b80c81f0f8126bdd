import type { Stats } from "node:fs";
import { type Lower, noneIfAbsent } from "../disk/lower/lower.ts";
import { identityOf, type Stamp, stampOf } from "../disk/stamp.ts";
import { stateDirectoryName } from "../disk/state/state-directory.ts";
import { absoluteOf, childOf, type TreePath } from "../disk/tree-path.ts";
import { assert } from "../errors.ts";
import { ChangeFeed } from "./change-feed.ts";
import { credentials } from "./credentials.ts";
import { Fault } from "./file-system-error.ts";
import { nextMillisecondNs, presentInstant } from "./instant.ts";
import { type Dentry, DirectoryNode, type Node, type NodeOrigin } from "./node.ts";
import type { LowerNode } from "./pending/pending.ts";
import { takeMetadata } from "./pending/take-metadata.ts";
import { type Savepoint, UndoLog } from "./pending/undo-log.ts";

/**
 * The next inode number of a node that an overlay creates: far above what file systems hand out,
 * and shared by all overlays, one of which may lie over another.
 */
let nextInode = 2 ** 52;

/** What a directory holds under a name. */
export type Found =
  | { readonly kind: "upper"; readonly node: Node }
  | { readonly kind: "lower"; readonly path: string; readonly stats: Stats }
  | undefined;

/**
 * The merged tree: upper entries over the lower. Everything that changes it goes through `put`,
 * `remove` and `touch`, which keep the undo log, the generations and the caches right.
 */
export class Tree {
  readonly lower: Lower;
  readonly rootPath: string;
  readonly root: DirectoryNode;
  readonly undo = new UndoLog();
  readonly feed = new ChangeFeed();
  generation = 0;
  /** Told of every directory that the upper takes over, with what the lower says of it. */
  onAttach: (directory: DirectoryNode, stamp: Stamp) => void = () => {};
  /** Number of times names were removed or directories changed: what caches of paths depend on. */
  structure = 0;
  /** Copied-up nodes whose lower inode has several names, by `dev:ino`. */
  readonly linked = new Map<string, Node>();

  constructor(lower: Lower, rootPath: string) {
    this.lower = lower;
    this.rootPath = rootPath;
    const stats = lower.lstatExact(rootPath);
    if (stats === undefined) throw new Fault("ENOENT", { syscall: "open", path: rootPath });
    this.root = new DirectoryNode(
      { ino: 0, dev: 0, mode: 0, uid: 0, gid: 0, now: presentInstant() },
      { parent: undefined, name: "", lowerPath: rootPath },
    );
    this.attach(this.root);
    this.root.entries = new Map();
  }

  /** Identity and owner of a new node in `parent`. */
  originOfNew(mode: number, uid: number, gid: number): NodeOrigin {
    const now = presentInstant();
    return { ino: nextInode++, dev: this.root.dev, mode, uid, gid, now };
  }

  /** A start for a node that takes its identity and metadata from the lower. */
  originOfCopy(): NodeOrigin {
    return { ino: 0, dev: 0, mode: 0, uid: 0, gid: 0, now: this.root.mtime };
  }

  /** Remembers the node that stands for a lower inode with several names. */
  link(identity: string, node: Node): void {
    this.linked.set(identity, node);
    this.undo.record(() => this.linked.delete(identity));
  }

  /**
   * What lies under `name`, upper before lower. The name is an ordinary one, not `.` or `..`.
   * @param known its path in the lower, where the caller has it: putting it together takes long.
   */
  lookup(directory: DirectoryNode, name: string, known?: string): Found {
    const dentry = directory.entries?.get(name);
    if (dentry !== undefined) {
      return dentry.node === undefined ? undefined : { kind: "upper", node: dentry.node };
    }
    const { lowerPath } = directory;
    if (lowerPath === undefined || this.isHidden(directory, name)) return undefined;
    const path = known ?? absoluteOf(lowerPath, name);
    const stats = this.lower.lstatIn(lowerPath, name, path, credentials.uid);
    if (stats === undefined) return undefined;
    if (this.linked.size > 0 && stats.nlink > 1 && stats.isFile()) {
      const node = this.#linkedNode(directory, name, path);
      if (node !== undefined) return { kind: "upper", node };
    }
    return { kind: "lower", path, stats };
  }

  /** Whether a name is the state directory of the root, which no view shows. */
  isHidden(directory: DirectoryNode, name: string): boolean {
    return name === stateDirectoryName && directory === this.root;
  }

  /** The node of a lower sub-directory that a lookup passes through. */
  passThrough(parent: DirectoryNode, name: string, path: string): DirectoryNode {
    const known = parent.passed.get(name);
    if (known !== undefined) return known;
    const node = new DirectoryNode(
      { ino: 0, dev: 0, mode: 0, uid: 0, gid: 0, now: parent.mtime },
      { parent, name, lowerPath: path },
    );
    parent.passed.set(name, node);
    return node;
  }

  /** A directory that belongs to no tree: a stand-in for places that nothing can be put in. */
  detachedDirectory(): DirectoryNode {
    const from = { ino: 0, dev: 0, mode: 0, uid: 0, gid: 0, now: this.root.mtime };
    return new DirectoryNode(from, { parent: undefined, name: "", lowerPath: undefined });
  }

  /** Makes the upper hold a directory and all those above it, with the metadata of the lower. */
  attach(directory: DirectoryNode): void {
    if (directory.attached) return;
    const { parent, name, lowerPath } = directory;
    if (parent !== undefined) this.attach(parent);
    assert(lowerPath !== undefined, "a directory that only passes through has a lower one");
    const stats = this.lower.lstatExact(lowerPath);
    if (stats === undefined || !stats.isDirectory()) throw new Fault("ENOENT");
    const stamp = stampOf(stats);
    const base = { path: this.treePathOfLower(lowerPath), stamp };
    const { passed, ...before } = directory;
    this.undo.record(() => Object.assign(directory, before));
    directory.attached = true;
    directory.savedFor = this.undo.span;
    takeMetadata(directory, stats);
    directory.origin = base;
    this.onAttach(directory, stamp);
    if (parent === undefined) return;
    parent.passed.delete(name);
    this.undo.record(() => parent.passed.set(name, directory));
    const dentry = { node: directory, base, generation: ++this.generation };
    this.#setEntry(parent, name, dentry, false);
  }

  /** Records the state of a node before its first change in this savepoint; bumps generations. */
  touch(node: Node): void {
    node.generation = ++this.generation;
    const span = this.undo.span;
    if (span === 0 || node.savedFor === span) return;
    const before = { ...node } as Partial<Node>;
    const content = node.kind === "file" ? node.content.snapshot() : undefined;
    node.savedFor = span;
    this.undo.record(() => {
      if (node.kind === "directory") {
        const { entries, passed, ...rest } = before as Partial<DirectoryNode>;
        Object.assign(node, rest);
      } else Object.assign(node, before);
      if (node.kind === "file" && content !== undefined) node.content = content;
      if (node.kind !== "directory") this.changed(node);
    }, content);
  }

  /** Tells watchers that a node was changed. */
  changed(node: Node): void {
    if (this.feed.isWatched) this.feed.changed(node);
  }

  /**
   * Puts `node` under `name`. The caller has settled what lay there before.
   * @param expected what the lower holds there, where the caller knows better than a look at it;
   *   `null` for nothing.
   */
  put(directory: DirectoryNode, name: string, node: Node, expected?: LowerNode | null): void {
    this.#put(directory, name, node, { expected, isTold: true });
  }

  /** Like {@link put}, under a name at which a lookup has just found nothing. */
  putNew(directory: DirectoryNode, name: string, node: Node): void {
    const { lowerPath, coveredPath, entries } = directory;
    // The lookup has seen that the lower has nothing there, unless it did not look there.
    const isSeen = lowerPath !== undefined || coveredPath === undefined;
    const expected = isSeen && entries?.has(name) !== true ? null : undefined;
    this.#put(directory, name, node, { expected, isTold: true });
  }

  /** Like {@link put}, of a node that shows what the lower shows: nothing has changed yet. */
  take(directory: DirectoryNode, name: string, node: Node, shown: LowerNode): void {
    // Nothing else lies there, or it would have been found.
    const expected = directory.entries?.has(name) === true ? undefined : shown;
    this.#put(directory, name, node, { expected, isTold: false });
  }

  #put(
    directory: DirectoryNode,
    name: string,
    node: Node,
    { expected, isTold }: { expected: LowerNode | null | undefined; isTold: boolean },
  ): void {
    this.attach(directory);
    const base = this.#expectedOr(expected, directory, name);
    if (node.kind === "directory") {
      const covered = this.#shownPath(directory, name) ?? this.#coveredPath(directory, name);
      const isOwn = node.lowerPath !== undefined && node.lowerPath === covered;
      node.coveredPath = isOwn || base?.stamp.kind !== "directory" ? undefined : covered;
    } else if (directory.passed.has(name)) this.structure += 1; // A directory that went below.
    node.parent = directory;
    node.name = name;
    this.#setEntry(directory, name, { node, base, generation: ++this.generation }, isTold);
  }

  /** Takes the name away: a whiteout where the lower would show through, nothing otherwise. */
  remove(directory: DirectoryNode, name: string, expected?: LowerNode | null): void {
    this.attach(directory);
    const base = this.#expectedOr(expected, directory, name);
    const leads = directory.entries?.get(name)?.node?.kind ?? base?.stamp.kind;
    if (leads === "directory" || leads === "symlink") this.structure += 1;
    const isShown = base !== undefined && directory.lowerPath !== undefined;
    const generation = ++this.generation;
    const dentry = isShown ? { node: undefined, base, generation } : undefined;
    this.#setEntry(directory, name, dentry, true);
    directory.passed.delete(name);
  }

  #expectedOr(
    expected: LowerNode | null | undefined,
    directory: DirectoryNode,
    name: string,
  ): LowerNode | undefined {
    if (expected !== undefined) return expected ?? undefined;
    const known = directory.entries?.get(name);
    // Nothing is seen again then: asking the clock would take a tenth of an unlink.
    if (known !== undefined && known.base?.stamp.kind !== "directory") return known.base;
    return this.baseSeen(directory, name, nextMillisecondNs());
  }

  /** What the lower holds under a name, shown or hidden; stamped when first asked. */
  baseOf(directory: DirectoryNode, name: string): LowerNode | undefined {
    const known = directory.entries?.get(name);
    if (known !== undefined) return known.base;
    const path = this.#shownPath(directory, name) ?? this.#coveredPath(directory, name);
    if (path === undefined) return undefined;
    const stamp = this.lower.stamp(path);
    return stamp === undefined ? undefined : { path: this.treePathOfLower(path), stamp };
  }

  /**
   * {@link baseOf} for who is about to hide it. A directory that has been hidden already was last
   * seen then; one that shows was seen until `seenNs`.
   */
  baseSeen(directory: DirectoryNode, name: string, seenNs: bigint): LowerNode | undefined {
    const known = directory.entries?.get(name);
    const base = this.baseOf(directory, name);
    if (base?.stamp.kind !== "directory") return base;
    const own = this.#shownPath(directory, name) ?? this.#coveredPath(directory, name);
    const isShown = known?.node?.kind === "directory" && known.node.lowerPath === own;
    const isHidden = known !== undefined && !isShown;
    if (isHidden && base.seenNs !== undefined) return base;
    return { path: base.path, stamp: base.stamp, seenNs };
  }

  /** Moves the times of a directory in which a name came or went. */
  namesChanged(directory: DirectoryNode, now = presentInstant()): void {
    this.touch(directory);
    directory.mtime = now;
    directory.ctime = now;
    directory.timesSet = false;
  }

  /** Counts a sub-directory that came (1) or went (-1), where the file system counts them. */
  countDirectory(parent: DirectoryNode, change: 1 | -1): void {
    this.touch(parent);
    if (parent.nlink >= 2) parent.nlink += change;
  }

  /** Names in a lower directory; none where it has gone under what the upper holds of it. */
  shownNames(path: string): string[] {
    const names = noneIfAbsent(() => this.lower.names(path));
    return path === this.rootPath ? names.filter((name) => name !== stateDirectoryName) : names;
  }

  /** Whether the merged directory has no entry. */
  isEmpty(directory: DirectoryNode): boolean {
    const { entries, lowerPath } = directory;
    if (entries !== undefined) {
      for (const dentry of entries.values()) if (dentry.node !== undefined) return false;
    }
    if (lowerPath === undefined) return true;
    return this.shownNames(lowerPath).every((name) => entries?.has(name) === true);
  }

  /** The directory at a tree path; links are not followed. @throws {Fault} `ENOENT`, `ENOTDIR`. */
  directoryAt(path: TreePath): DirectoryNode {
    let directory = this.root;
    if (path === "") return directory;
    for (const name of path.split("/")) {
      const found = this.lookup(directory, name);
      if (found === undefined) throw new Fault("ENOENT");
      if (found.kind === "upper") {
        if (found.node.kind !== "directory") throw new Fault("ENOTDIR");
        directory = found.node;
      } else if (found.stats.isDirectory()) {
        directory = this.passThrough(directory, name, found.path);
      } else throw new Fault("ENOTDIR");
    }
    return directory;
  }

  /** The upper node under a name, if there is one. */
  nodeUnder(directory: DirectoryNode, name: string): Node | undefined {
    return directory.entries?.get(name)?.node;
  }

  /** The lower directory that shows, or would show, under a name. */
  shownDirectory(directory: DirectoryNode, name: string): string | undefined {
    const path = this.#shownPath(directory, name);
    return path !== undefined && this.lower.lstat(path)?.isDirectory() === true ? path : undefined;
  }

  /** Whether the untouched lower shows a directory under a name. */
  isLowerDirectory(directory: DirectoryNode, name: string): boolean {
    if (directory.entries?.has(name) === true) return false;
    return this.shownDirectory(directory, name) !== undefined;
  }

  /** Forgets everything that the upper holds. */
  reset(): void {
    this.undo.clear();
    this.linked.clear();
    // Never without a map: the root has a name to hide.
    this.root.entries = new Map();
    this.root.passed.clear();
    this.root.attached = false;
    this.attach(this.root);
    this.structure += 1;
    this.generation += 1;
  }

  /** Undoes everything since a savepoint. */
  rollback(savepoint: Savepoint): void {
    this.undo.rollback(savepoint);
    this.structure += 1;
    this.generation += 1;
  }

  #shownPath(directory: DirectoryNode, name: string): string | undefined {
    const { lowerPath } = directory;
    return lowerPath === undefined ? undefined : absoluteOf(lowerPath, name);
  }

  #coveredPath(directory: DirectoryNode, name: string): string | undefined {
    const { coveredPath } = directory;
    return coveredPath === undefined ? undefined : absoluteOf(coveredPath, name);
  }

  #setEntry(
    directory: DirectoryNode,
    name: string,
    dentry: Dentry | undefined,
    isTold: boolean,
  ): void {
    directory.entries ??= new Map();
    const { entries } = directory;
    if (this.undo.span !== 0) {
      const before = entries.get(name);
      this.undo.record(() => {
        if (before === undefined) entries.delete(name);
        else entries.set(name, before);
        if (isTold && this.feed.isWatched) this.feed.named(directory, name);
      });
    }
    if (dentry === undefined) entries.delete(name);
    else entries.set(name, dentry);
    if (isTold && this.feed.isWatched) this.feed.named(directory, name);
  }

  /** A further name of a lower inode that was copied up under another one. */
  #linkedNode(directory: DirectoryNode, name: string, path: string): Node | undefined {
    const stamp = this.lower.stamp(path);
    if (stamp === undefined) return undefined;
    const node = this.linked.get(identityOf(stamp));
    if (node === undefined) return undefined;
    this.attach(directory);
    const base = { path: this.treePathOfLower(path), stamp };
    this.#setEntry(directory, name, { node, base, generation: ++this.generation }, false);
    return node;
  }

  /** Path of a lower node inside the lower's root. */
  treePathOfLower(path: string): TreePath {
    if (path === this.rootPath) return "";
    return path.slice(this.rootPath === "/" ? 1 : this.rootPath.length + 1);
  }

  /** Path of a directory in the merged tree. */
  pathOf(directory: DirectoryNode): TreePath {
    if (directory.parent === undefined) return "";
    return childOf(this.pathOf(directory.parent), directory.name);
  }
}
