import { credentials, isForAll, isPermitted, mayExecute } from "../credentials.ts";
import { codeOf } from "../file-system-error.ts";
import type { DirectoryNode } from "../node.ts";
import type { Tree } from "../tree.ts";
import { PathTable } from "./path-table.ts";

/** Lookups between two looks at the clock: timers do not fire while a program goes on and on. */
const lookupsPerClock = 256;
/** Lookups before there is a timer: a look at the clock takes 0.06 µs, the first timer 0.3 ms. */
const lookupsWithoutTimer = 64;
/** How long a directory is taken for what it was before its path is looked at again, in ms. */
const trustMs = 100;
/** Directories remembered at a time. */
const directoriesMax = 65_536;

/** A directory that a path is known to lead to without a link on the way. */
export interface KnownDirectory {
  readonly path: string;
  readonly directory: DirectoryNode;
  /**
   * Whether the path means on the disk what it means here: the directory and all above it are plain
   * directories of the lower, with the owner and mode that they have there.
   */
  readonly isAsInLower: boolean;
  /**
   * Whether anybody may pass through it and all that the overlay knows above it, so that what lies
   * in it is told to whoever asks.
   */
  readonly isOpen: boolean;
}

/**
 * Remembers which directory an absolute path leads to, so that a call costs one lookup instead of
 * one for each component.
 *
 * Changes made through the overlay take effect at once. What another program does to the lower is
 * noticed when the path is looked at again, after 100 ms. The last component of a call is never
 * trusted.
 */
export class DirectoryPaths {
  readonly #tree: Tree;
  readonly #known = new Map<string, KnownDirectory>();
  /** Those of the known that were asked for last. */
  readonly #recent = new PathTable<KnownDirectory>();
  #structure = -1;
  #uid = -1;
  /** Until the next look at the clock; there is one at every lookup while no timer runs. */
  #lookupsLeft = 0;
  #untimedLeft = lookupsWithoutTimer;
  #learnedAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /**
   * The directory at the first `length` characters of an absolute path, `undefined` where a walk
   * must tell.
   */
  find(path: string, length: number): KnownDirectory | undefined {
    this.#lookupsLeft -= 1;
    if (this.#lookupsLeft <= 0) this.#lookAtClock();
    if (this.#structure !== this.#tree.structure || this.#uid !== credentials.uid) this.forget();
    const recent = this.#recent.find(path, length);
    if (recent !== undefined) return recent;
    const directory = path.slice(0, length);
    const known = this.#known.get(directory) ?? this.#learn(directory);
    if (known !== undefined) this.#recent.put(known);
    return known;
  }

  #lookAtClock(): void {
    if (performance.now() - this.#learnedAtMs > trustMs) this.forget();
    this.#untimedLeft -= 1;
    if (this.#untimedLeft > 0) return;
    this.#lookupsLeft = lookupsPerClock;
    this.#timer ??= setTimeout(() => {
      this.#leaveTimer();
      this.forget();
    }, trustMs).unref();
  }

  #leaveTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lookupsLeft = 0;
    this.#untimedLeft = lookupsWithoutTimer;
  }

  /** Forgets everything and stops looking at the clock, until it is asked again. */
  close(): void {
    this.#leaveTimer();
    this.#clear();
  }

  #clear(): void {
    if (this.#known.size === 0) return;
    this.#known.clear();
    this.#recent.clear();
  }

  /** Forgets everything, as where a link lies where a directory was. */
  forget(): void {
    this.#clear();
    this.#structure = this.#tree.structure;
    this.#uid = credentials.uid;
  }

  #learn(path: string): KnownDirectory | undefined {
    const { rootPath, root } = this.#tree;
    // The directory of `/name` is cut out as the empty path.
    if (path === rootPath || (path === "" && rootPath === "/"))
      return this.#remember(path, root, undefined);
    if (path.length <= rootPath.length) return undefined;
    const end = path.lastIndexOf("/");
    const name = path.slice(end + 1);
    if (end < 0 || name === "" || name === "." || name === "..") return undefined;
    const above = path.slice(0, end);
    const parent = this.#known.get(above) ?? this.#learn(above);
    if (parent === undefined || this.#tree.isHidden(parent.directory, name)) return undefined;
    const directory = this.#directoryIn(parent.directory, name);
    if (directory === undefined) return undefined;
    return this.#remember(path, directory, parent);
  }

  #directoryIn(parent: DirectoryNode, name: string): DirectoryNode | undefined {
    try {
      const found = this.#tree.lookup(parent, name);
      if (found?.kind === "upper") return found.node.kind === "directory" ? found.node : undefined;
      if (found?.stats.isDirectory() !== true) return undefined;
      return this.#tree.passThrough(parent, name, found.path);
    } catch (caught) {
      if (codeOf(caught) === undefined) throw caught;
      return undefined;
    }
  }

  #remember(
    path: string,
    directory: DirectoryNode,
    parent: KnownDirectory | undefined,
  ): KnownDirectory | undefined {
    if (directory.attached && !isPermitted(directory, mayExecute)) return undefined;
    if (this.#known.size >= directoriesMax) this.forget();
    if (this.#known.size === 0) this.#learnedAtMs = performance.now();
    const isAsAbove = parent === undefined || (parent.isAsInLower && directory.lowerPath === path);
    const isOpenAbove = parent === undefined || parent.isOpen;
    const known = {
      path,
      directory,
      isAsInLower: isAsAbove && isAsInLower(directory),
      isOpen: isOpenAbove && directory.attached && isForAll(directory, mayExecute),
    };
    this.#known.set(path, known);
    return known;
  }
}

/** Whether the lower itself grants and refuses what the overlay would. */
function isAsInLower(directory: DirectoryNode): boolean {
  return !directory.attached || directory.isOwnedAsBelow;
}
