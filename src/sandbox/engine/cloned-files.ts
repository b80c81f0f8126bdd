import type { NodeStats } from "../../disk/node-stats.ts";
import type { TreePath } from "../../disk/tree-path.ts";

/** One tick of a clock of 100 Hz, by which file systems stamp what is made. */
const clockTickNs = 10_000_000n;

/** What one file was when it had just been copied. */
interface ClonedFile {
  readonly path: TreePath;
  /** 0 where the file system keeps no time of birth. */
  readonly birthNs: bigint;
  readonly mtimeNs: bigint;
  readonly sizeBytes: bigint;
}

/**
 * Which files of a copy were made when the tree was copied, by inode number, whatever they are
 * called by now. The number of a file that is gone is given again to a new one, which is told by
 * its time of birth; where there is none, a file is known as long as nobody writes to it.
 */
export class ClonedFiles {
  readonly #files = new Map<bigint, ClonedFile>();
  #newestNs = 0n;

  /** A file, or a link, lies at `path` in a new copy. */
  record(path: TreePath, stats: NodeStats): void {
    const { ino, birthtimeNs: birthNs, mtimeNs, size: sizeBytes } = stats;
    this.#files.set(ino, { path, birthNs, mtimeNs, sizeBytes });
    if (birthNs > this.#newestNs) this.#newestNs = birthNs;
  }

  /** Milliseconds from now on in which what is made may seem to be as old as the copy. */
  freshForMs(): number {
    const freshForNs = this.#newestNs + clockTickNs - BigInt(Date.now()) * 1_000_000n;
    const isFresh = freshForNs > 0n && freshForNs <= clockTickNs;
    return isFresh ? Number(freshForNs / 1_000_000n) + 1 : 0;
  }

  /** Where in the tree lies what a file of the copy was copied from; `undefined` for a new one. */
  originOf(stats: NodeStats): TreePath | undefined {
    const cloned = this.#files.get(stats.ino);
    if (cloned === undefined) return undefined;
    const isSame =
      cloned.birthNs === 0n
        ? cloned.mtimeNs === stats.mtimeNs && cloned.sizeBytes === stats.size
        : cloned.birthNs === stats.birthtimeNs;
    return isSame ? cloned.path : undefined;
  }
}
