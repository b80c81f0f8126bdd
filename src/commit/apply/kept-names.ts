import type { Disk } from "../../disk/disk.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { slotOfInverse } from "../plan/invert-steps.ts";
import type { Step } from "../plan/step.ts";
import type { Directories } from "../tree/directories.ts";

/**
 * Second names of files that lose one of several names, for as long as an operation may have to be
 * taken back: a name that is made again from bytes alone would be another file. They lie where
 * the inverse of their step stages what it puts back, so that it finds its work done.
 *
 * They go with the staging place, should a crash keep {@link KeptNames.drop} from being called.
 */
export class KeptNames {
  readonly #disk: Disk;
  readonly #directories: Directories;
  readonly #staging: TreePath;
  readonly #inodes: ReadonlySet<string>;
  readonly #kept: TreePath[] = [];

  /** @param inodes the numbers of the files with several names. */
  constructor(
    disk: Disk,
    directories: Directories,
    staging: TreePath,
    inodes: ReadonlySet<string>,
  ) {
    this.#disk = disk;
    this.#directories = directories;
    this.#staging = staging;
    this.#inodes = inodes;
  }

  /** To be called before a step is carried out. */
  keep(step: Step, index: number): void {
    const inode = lostInodeOf(step);
    if (inode === undefined || !this.#inodes.has(inode)) return;
    const slot = slotOfInverse(this.#staging, index);
    try {
      this.#disk.link(this.#directories.locate(step.path), this.#directories.locate(slot));
      this.#kept.push(slot);
    } catch {
      // The file has as many names as it can have: it is put back from its bytes.
    }
  }

  /** To be called when the operation is done, or they would count as names of their files. */
  drop(): void {
    for (const slot of this.#kept) {
      try {
        this.#disk.unlink(this.#directories.locate(slot));
      } catch {
        // The operation is done nevertheless; the name goes with the staging place.
      }
    }
  }
}

/** The file that loses the name at the step's path. */
export function lostInodeOf(step: Step): string | undefined {
  switch (step.kind) {
    case "remove":
      return step.node.ino;
    case "install":
    case "link":
    case "move":
      return step.replaced?.ino;
    case "park":
    case "mkdir":
    case "write":
    case "attributes":
      return undefined;
  }
}
