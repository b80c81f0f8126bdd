import type { NodeStats } from "../../disk/node-stats.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import type { Mirror, MirrorNode } from "./mirror.ts";
import type { Touched, ViewWatch } from "./view-watch.ts";

/** Two ticks of a clock of 100 Hz, by which file systems stamp changes. */
const clockTicksNs = 20_000_000n;

/** The names in one directory that may have changed. */
export interface DirectoryTouched {
  /** All of them; `undefined` when names came or went, so that they have to be listed. */
  readonly all: Iterable<string> | undefined;
  /** Whether a name that is listed may be something else than the mirror knows. */
  readonly mayDiffer: (name: string) => boolean;
}

/**
 * What alone can have changed in the upper since the last look, so that a harvest costs what the
 * command has done.
 */
export interface TouchedNames {
  /** Whether a file that was changed is told by all of its names. */
  readonly knowsLinks: boolean;
  /**
   * @param stats of the directory now; its names have to be listed without.
   * @returns `undefined` for a directory of which nothing is known.
   */
  namesTouched(
    path: TreePath,
    node: MirrorNode,
    stats: NodeStats | undefined,
  ): DirectoryTouched | undefined;
}

/**
 * Of directories it is told by their own times whether names came or went, and whatever is in them
 * by a {@link ViewWatch}.
 */
export class WatchedNames implements TouchedNames {
  readonly knowsLinks = false;
  readonly #mirror: Mirror;
  readonly #touched: Touched;

  private constructor(mirror: Mirror, touched: Touched) {
    this.#mirror = mirror;
    this.#touched = touched;
  }

  /** @returns `undefined` when everything has to be looked at. */
  static find(mirror: Mirror, watch: ViewWatch | undefined): WatchedNames | undefined {
    const touched = watch?.take();
    if (touched === undefined || !mirror.isSettled || mirror.hasLinks) return undefined;
    return new WatchedNames(mirror, touched);
  }

  namesTouched(
    _path: TreePath,
    node: MirrorNode,
    stats: NodeStats | undefined,
  ): DirectoryTouched | undefined {
    if (!node.isWatched || (stats !== undefined && stats.ino !== node.ino)) return undefined;
    const touched = this.#touched.get(node);
    const mayDiffer = (name: string): boolean => {
      const child = node.children.get(name);
      const isKnown = child?.ino !== undefined && !child.isDirectory;
      return !isKnown || touched?.has(name) === true;
    };
    if (stats === undefined || !this.#hasSameNames(node, stats))
      return { all: undefined, mayDiffer };
    const known = [...node.children.keys()].filter(mayDiffer);
    return { all: new Set([...(touched ?? []), ...known]), mayDiffer };
  }

  /** The times of a directory move with its names, if only by a tick of the clock. */
  #hasSameNames(node: MirrorNode, stats: NodeStats): boolean {
    return node.matches(stats) && stats.ctimeNs + clockTicksNs < this.#mirror.lookedNs;
  }
}
