import { type BigIntStats, constants } from "node:fs";
import type { NodeStats } from "../../disk/node-stats.ts";
import { stateDirectoryName } from "../../disk/state/state-directory.ts";
import { childOf, isWithin, parentOf, type TreePath } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import type {
  Content,
  NodeMeta,
  Pending,
  PendingDirectory,
  PendingFile,
} from "../../overlay/pending/pending.ts";
import { lstatShown, placeIn, readShownNames, readShownTarget } from "./layer-view.ts";
import type { Mirror, MirrorNode } from "./mirror.ts";
import type { PinnedTree } from "./pinned-tree.ts";
import { PushedFiles } from "./pushed-files.ts";

const { O_RDONLY } = constants;

/** Generation of what is about to be pushed for the first time. */
const neverPushed = -1;

/** The places that a push works between. */
export interface PushTarget {
  readonly layer: Layer;
  /** The merged view of the namespace; writing through it lets the kernel make its whiteouts. */
  readonly view: PinnedTree;
  readonly upper: PinnedTree;
  readonly mirror: Mirror;
  /** Whether the caller is real root and may give files away. */
  readonly mayChangeOwner: boolean;
  /** Paths that must not be shown to a command. */
  readonly isDenied: (path: TreePath) => boolean;
}

/** Paths that the upper holds and the layer no longer does (after a rollback, a discard). */
export type Retracted = readonly TreePath[];

/**
 * Brings everything that is newer in the layer into the namespace.
 *
 * The cost is one look at each pending entry, and one write for each newer one.
 *
 * @returns paths that show something which the layer has taken back and the lower would show again:
 *   the kernel offers no way to do that, so the caller starts a new namespace.
 */
export function pushPending(target: PushTarget): Retracted {
  const { layer, mirror } = target;
  if (layer.generation === mirror.generation && !mirror.isIncomplete) return [];
  const push = new Push(target);
  try {
    return push.run();
  } catch (error) {
    mirror.isIncomplete = true;
    throw error;
  } finally {
    target.view.close();
    target.upper.close();
  }
}

class Push {
  readonly #target: PushTarget;
  readonly #directories: { readonly path: TreePath; readonly meta: NodeMeta }[] = [];
  readonly #linked = new Map<bigint, TreePath>();
  /** Directories in which a name came or went, so that their times moved. */
  readonly #disturbed = new Set<TreePath>();
  readonly #sequence: number;
  readonly #files: PushedFiles;

  constructor(target: PushTarget) {
    this.#target = target;
    this.#sequence = target.layer.generation;
    this.#files = new PushedFiles(target, {
      clear: (path) => this.#clear(path),
      disturb: (path) => this.#disturb(path),
    });
  }

  run(): Retracted {
    const { layer, mirror, isDenied } = this.#target;
    mirror.isIncomplete = false;
    let unseen: TreePath | undefined;
    for (const entry of layer.pending()) {
      // The root itself is the lower's.
      if (entry.path === "" || isHidden(entry.path)) continue;
      if (unseen !== undefined && isWithin(entry.path, unseen)) continue;
      // What is gone in the layer must go, or the lower would show it under a name nobody denies.
      const isGone = entry.kind === "whiteout" && !isDenied(parentOf(entry.path));
      if (!isGone && [entry.path, ...sourcesOf(entry)].some(isDenied)) {
        unseen = entry.path;
        continue;
      }
      const node = mirror.ensure(entry.path);
      node.seenAt = this.#sequence;
      // Known from now on, so that a piece of it goes with it should the rest not fit.
      node.generation ??= neverPushed;
      const isCurrent = node.generation >= entry.generation;
      this.#unlessGone(() => {
        if (entry.kind === "file" && entry.nlink > 1) this.#linkOrPut(entry, isCurrent);
        else if (!isCurrent) this.#put(entry);
        node.generation = entry.generation;
      });
    }
    const retracted = this.#retract();
    // Whoever asks next must hear of them too: they show until a new namespace takes over.
    if (retracted.length > 0) mirror.isIncomplete = true;
    this.#finishDirectories();
    mirror.generation = this.#sequence;
    return retracted;
  }

  #put(entry: Pending): void {
    const { view, mirror } = this.#target;
    switch (entry.kind) {
      case "whiteout":
        this.#clear(entry.path);
        this.#record(entry.path);
        return;
      case "directory":
        this.#putDirectory(entry);
        return;
      case "file":
        this.#putFile(entry.path, entry.content, entry.meta);
        return;
      case "symlink":
        this.#clear(entry.path);
        view.symlink(entry.target, entry.path);
        this.#disturb(entry.path);
        this.#applyOwnerAndTimes(entry.path, entry.meta);
        this.#record(entry.path);
        return;
      case "other":
        // Node can make no fifo and no socket; one that a command made is there already.
        if (mirror.find(entry.path)?.ino === undefined) this.#clear(entry.path);
        return;
    }
  }

  #putDirectory(entry: PendingDirectory): void {
    const { view, mirror } = this.#target;
    const node = mirror.ensure(entry.path);
    const found = view.lstat(entry.path);
    const isSame =
      found?.isDirectory() === true &&
      node.redirect === entry.redirect &&
      (node.isOpaque || !entry.opaque || entry.base === undefined);
    if (!isSame) {
      this.#clear(entry.path);
      view.mkdir(entry.path, 0o700);
      this.#disturb(entry.path);
      if (entry.redirect !== undefined) this.#copyChildren(entry.path, entry.redirect);
    }
    const fresh = mirror.ensure(entry.path);
    fresh.redirect = entry.redirect;
    fresh.isOpaque = entry.opaque || (!isSame && entry.base !== undefined);
    fresh.seenAt = this.#sequence;
    fresh.generation = entry.generation;
    this.#directories.push({ path: entry.path, meta: entry.meta });
  }

  #putFile(path: TreePath, content: Content, meta: NodeMeta): void {
    this.#files.write(path, content, meta);
    this.#record(path);
  }

  /** One node with several names: written once, then linked. */
  #linkOrPut(entry: PendingFile, isCurrent: boolean): void {
    const { view, upper } = this.#target;
    const first = this.#linked.get(entry.ino);
    if (first === undefined) {
      this.#linked.set(entry.ino, entry.path);
      if (!isCurrent) this.#put(entry);
      return;
    }
    if (isCurrent && upper.lstat(first)?.ino === upper.lstat(entry.path)?.ino) return;
    this.#clear(entry.path);
    view.link(first, entry.path);
    this.#disturb(entry.path);
    this.#record(entry.path);
    this.#record(first);
  }

  /** Copies what shows through below a renamed directory: the kernel has no redirect here. */
  #copyChildren(path: TreePath, redirect: TreePath): void {
    const { layer, view, isDenied } = this.#target;
    for (const name of readShownNames(layer, path)) {
      const child = childOf(path, name);
      if (isDenied(child) || isDenied(childOf(redirect, name))) continue;
      const place = placeIn(layer, child);
      const stats = layer.fs.lstatSync(place, { bigint: true }) as BigIntStats;
      const meta = metaOf(stats);
      if (stats.isDirectory()) {
        view.mkdir(child, 0o700);
        const node = this.#target.mirror.ensure(child);
        node.isDirectory = true;
        node.redirect = childOf(redirect, name);
        this.#copyChildren(child, node.redirect);
        this.#directories.push({ path: child, meta });
      } else if (stats.isSymbolicLink()) {
        view.symlink(readShownTarget(layer, child), child);
        this.#applyOwnerAndTimes(child, meta);
        this.#record(child);
      } else if (stats.isFile()) {
        this.#copyFile(child, place, Number(stats.size), meta);
      }
    }
  }

  #copyFile(path: TreePath, place: string | Buffer, size: number, meta: NodeMeta): void {
    const { fs } = this.#target.layer;
    const descriptor = fs.openSync(place, O_RDONLY);
    try {
      const content: Content = {
        size,
        lower: undefined,
        spilled: undefined,
        read: (buffer, position) => fs.readSync(descriptor, buffer, 0, buffer.length, position),
      };
      this.#putFile(path, content, meta);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /** Takes away what the layer no longer holds. */
  #retract(): TreePath[] {
    const { layer, view, mirror } = this.#target;
    const gone = [...mirror.entries()].filter(
      ({ node }) => node.generation !== undefined && node.seenAt !== this.#sequence,
    );
    const blocked: TreePath[] = [];
    for (const { path } of gone) {
      if (mirror.find(path) === undefined) continue;
      const shown = lstatShown(layer, path);
      if (shown !== undefined) {
        blocked.push(path);
        continue;
      }
      this.#unlessGone(() => {
        view.remove(path);
        this.#disturb(path);
        mirror.remove(path);
      });
    }
    return blocked;
  }

  /** Times and modes of directories come last: everything made in them moves their times. */
  #finishDirectories(): void {
    const { layer, view, mirror } = this.#target;
    const known = new Map(this.#directories.map(({ path, meta }) => [path, meta]));
    for (const path of this.#disturbed) {
      if (known.has(path) || mirror.find(path) === undefined) continue;
      const stats = layer.fs.lstatSync(placeIn(layer, path), { bigint: true });
      known.set(path, metaOf(stats as BigIntStats));
    }
    const deepestFirst = [...known].sort(([a], [b]) => b.length - a.length);
    for (const [path, meta] of deepestFirst) {
      this.#unlessGone(() => {
        if (view.lstat(path)?.isDirectory() !== true) return;
        view.chmod(path, 0o700);
        this.#applyOwnerAndTimes(path, meta);
        view.chmod(path, meta.mode);
        this.#record(path);
      });
    }
  }

  /**
   * A running command may take a directory away at any moment, or put a link in its place: what
   * went wrong because of that is tried again by the next push, after a harvest has told the layer.
   */
  #unlessGone(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isPlaceGone(error)) throw error;
      this.#target.mirror.isIncomplete = true;
      this.#target.view.close();
      this.#target.upper.close();
    }
  }

  #clear(path: TreePath): void {
    const { view, mirror } = this.#target;
    if (view.lstat(path) !== undefined) this.#disturb(path);
    view.remove(path);
    const node = mirror.ensure(path);
    node.children.clear();
    node.ino = undefined;
    node.isOpaque = false;
    node.redirect = undefined;
  }

  #applyOwnerAndTimes(path: TreePath, meta: NodeMeta): void {
    const { view, mayChangeOwner } = this.#target;
    if (mayChangeOwner) {
      const found = view.lstat(path);
      const isOwned = found?.uid === BigInt(meta.uid) && found.gid === BigInt(meta.gid);
      if (!isOwned) view.lchown(path, meta.uid, meta.gid);
    }
    view.lutimes(path, meta.atimeNs, meta.mtimeNs);
  }

  #disturb(path: TreePath): void {
    this.#disturbed.add(parentOf(path));
  }

  #record(path: TreePath): void {
    const { upper, mirror } = this.#target;
    const stats = upper.lstat(path);
    const node: MirrorNode = mirror.ensure(path);
    if (stats === undefined) node.ino = undefined;
    else node.record(stats);
  }
}

/** Where what an entry holds was on the disk: what is denied stays so when it is moved. */
function sourcesOf(entry: Pending): TreePath[] {
  if (entry.kind === "whiteout" || entry.origin === undefined) return [];
  const redirect = entry.kind === "directory" ? entry.redirect : undefined;
  return redirect === undefined ? [entry.origin.path] : [entry.origin.path, redirect];
}

/** Whether a path belongs to the state directory, which no command sees. */
export function isHidden(path: TreePath): boolean {
  return path === stateDirectoryName || path.startsWith(`${stateDirectoryName}/`);
}

export function metaOf(stats: NodeStats): NodeMeta {
  return {
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    atimeNs: stats.atimeNs,
    mtimeNs: stats.mtimeNs,
  };
}

function isPlaceGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return placeGone.has(code ?? "");
}

/**
 * `EEXIST` and `ENOTEMPTY`: something came in between a look and the deed; `ENXIO`: a fifo that
 * nobody reads.
 */
const placeGone = new Set(
  "ENOENT ENOTDIR ELOOP EEXIST ENOTEMPTY EISDIR ENOTSUP EOPNOTSUPP ENXIO".split(" "),
);
