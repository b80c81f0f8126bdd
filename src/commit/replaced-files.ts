import { descriptorLimit } from "../disk/descriptor-limit.ts";
import type { Disk } from "../disk/disk.ts";
import { openFilesMax } from "../limits.ts";
import { type Expectation, losesBytes } from "./plan.ts";

/**
 * Keeps the files open that a large commit replaces. The kernel gives back the blocks of a file
 * when nothing refers to it any more, which takes as long as the rename itself; for these that is
 * after the commit, in a thread beside it.
 */
export class ReplacedFiles {
  readonly #disk: Disk;
  readonly #descriptors: number[] = [];
  readonly #max: number;

  /** @param hasThread - whether a thread works for this commit anyway; else none is kept open. */
  constructor(disk: Disk, hasThread: boolean) {
    this.#disk = disk;
    const isWorthIt = hasThread && disk.closeInBackground !== undefined;
    this.#max = isWorthIt ? Math.min(openFilesMax, Math.floor(descriptorLimit() / 4)) : 0;
  }

  /** Takes an open file over: it stays open when it will be replaced, and is closed otherwise. */
  keep(expectation: Expectation, descriptor: number): void {
    // What is removed is closed now: on a network file system a directory is not empty before.
    const isReplaced = expectation.change.kind === "modify" && losesBytes(expectation);
    if (isReplaced && this.#descriptors.length < this.#max) this.#descriptors.push(descriptor);
    else this.#disk.close(descriptor);
  }

  /** To be called when the commit is done, or has failed. */
  close(): void {
    const descriptors = this.#descriptors.splice(0);
    if (descriptors.length > 0) this.#disk.closeInBackground?.(descriptors);
  }
}
