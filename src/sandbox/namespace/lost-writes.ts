import { closeSync, constants, openSync } from "node:fs";
import type { NodeStats } from "../../disk/node-stats.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { PinnedTree } from "../harvest/pinned-tree.ts";
import type { LostPlace } from "./lost-places.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** Nodes that are looked at after one command: some milliseconds. */
const looksMax = 1000;

/** How many files a warning names. */
const namedMax = 3;

/**
 * What commands write where nothing is kept. A command that does so reports success for work that
 * is gone, so all that is no scratch is told.
 */
export class LostWrites {
  readonly #place: LostPlace;
  readonly #descriptor: number;
  readonly #tree: PinnedTree;
  readonly #told = new Map<TreePath, bigint>();
  #looksLeft = 0;

  /** No command may have run yet, which could have put a link at the place. */
  constructor(place: LostPlace) {
    this.#place = place;
    this.#descriptor = openSync(place.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    this.#tree = new PinnedTree(this.#descriptor);
  }

  /** What was written since it was last asked for, in plain words; empty when nothing was. */
  look(): string[] {
    this.#looksLeft = looksMax;
    const written: TreePath[] = [];
    for (const name of this.#names("")) this.#gather(name, written);
    this.#tree.close();
    if (written.length === 0) return [];
    const shown = written.slice(0, namedMax).map((path) => this.#place.prefix + path);
    const count = `${this.#looksLeft > 0 ? "" : "more than "}${written.length}`;
    const files = written.length === 1 ? "file" : "files";
    return [this.#place.tell(`${count} ${files} (${shown.join(", ")})`)];
  }

  close(): void {
    this.#tree.close();
    closeSync(this.#descriptor);
  }

  #gather(path: TreePath, written: TreePath[]): void {
    if (this.#looksLeft === 0 || this.#place.leavesOut(path)) return;
    this.#looksLeft--;
    const stats = this.#lstat(path);
    if (stats === undefined) return;
    if (stats.isDirectory()) {
      if (this.#place.isScratch(path, true)) return;
      for (const name of this.#names(path)) this.#gather(`${path}/${name}`, written);
    } else if (!this.#place.isScratch(path, false) && this.#told.get(path) !== stats.ctimeNs) {
      this.#told.set(path, stats.ctimeNs);
      written.push(path);
    }
  }

  /** A command can take the right to look into a directory, too. */
  #lstat(path: TreePath): NodeStats | undefined {
    try {
      return this.#tree.lstat(path);
    } catch {
      return undefined;
    }
  }

  #names(path: TreePath): string[] {
    try {
      return this.#tree.readdir(path);
    } catch {
      // A command that still runs has removed it, or it has taken the right to read it away.
      return [];
    }
  }
}
