import { closeSync, constants, openSync } from "node:fs";
import type { TreePath } from "../disk/tree-path.ts";
import { wayTo } from "../ways.ts";
import { PinnedTree } from "./pinned-tree.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** Nodes that are looked at after one command: some milliseconds. */
const looksMax = 1000;

/**
 * What commands write into a home directory that is thrown away. Caches and settings are meant to
 * be; but a project can lie there around the tree (a workspace above a package) or beside it (the
 * repository of a worktree), and a command that works on that one as well reports success for work
 * that is gone. So all but what lies in hidden entries of the home directory is told.
 */
export class DiscardedWrites {
  readonly #descriptor: number;
  readonly #upper: PinnedTree;
  readonly #told = new Map<TreePath, bigint>();
  #looksLeft = 0;

  /** @param path of the upper of the home directory; no command may have run yet. */
  constructor(path: string) {
    this.#descriptor = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    this.#upper = new PinnedTree(this.#descriptor);
  }

  /** What was written since it was last asked for, in plain words; empty when nothing was. */
  look(): string[] {
    this.#looksLeft = looksMax;
    const written: TreePath[] = [];
    for (const name of this.#names("")) if (!name.startsWith(".")) this.#gather(name, written);
    this.#upper.close();
    if (written.length === 0) return [];
    const shown = written.slice(0, 3).map((path) => `~/${path}`);
    const count = `${this.#looksLeft > 0 ? "" : "more than "}${written.length}`;
    const files = written.length === 1 ? "file" : "files";
    return [
      "What the command has written into the home directory is thrown away: " +
        `${count} ${files} (${shown.join(", ")}). Where that is work and no cache, take a root ` +
        `that holds it, or keep the home directory with ${wayTo("keepHome")}.`,
    ];
  }

  close(): void {
    this.#upper.close();
    closeSync(this.#descriptor);
  }

  #gather(path: TreePath, written: TreePath[]): void {
    if (this.#looksLeft === 0) return;
    this.#looksLeft--;
    const stats = this.#upper.lstat(path);
    if (stats === undefined) return;
    if (stats.isDirectory()) {
      for (const name of this.#names(path)) this.#gather(`${path}/${name}`, written);
    } else if (this.#told.get(path) !== stats.ctimeNs) {
      this.#told.set(path, stats.ctimeNs);
      written.push(path);
    }
  }

  #names(path: TreePath): string[] {
    try {
      return this.#upper.readdir(path);
    } catch {
      // A command that still runs has removed it, or it has taken the right to read it away.
      return [];
    }
  }
}
