import type { Allocation, Disk } from "../../disk/disk.ts";
import type { StateDirectory } from "../../disk/state/state-directory.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import type { CommitPlan } from "../plan/plan.ts";

/**
 * Gives the few files of a commit their place on the disk before they are written that will be
 * renamed over others, where that helps (see `allocationOn`). Asks about that when it is needed.
 */
export class Allocator {
  readonly #disk: Disk;
  readonly #state: StateDirectory;
  readonly #replaced: ReadonlySet<TreePath>;
  #allocation: Allocation | undefined;

  constructor(disk: Disk, state: StateDirectory, { expectations }: CommitPlan) {
    this.#disk = disk;
    this.#state = state;
    const there = expectations.filter(({ before }) => before !== undefined);
    this.#replaced = new Set(there.map(({ path }) => path));
  }

  /** What can be done for files of ours that replace others. */
  get allocation(): Allocation {
    this.#allocation ??= this.#disk.allocationOn?.(this.#state.path, this.#replaced.size + 2) ?? {
      kind: "impossible",
    };
    return this.#allocation;
  }

  /** @param path where the open file is to go. */
  allocate(path: TreePath, descriptor: number, size: number): void {
    if (!this.#replaced.has(path)) return;
    const { allocation } = this;
    if (allocation.kind === "possible") allocation.allocate(descriptor, size);
  }
}
