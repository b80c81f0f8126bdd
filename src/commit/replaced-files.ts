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

  /**
   * @param count how many there are at most; 0 unless a thread works for this commit anyway: then
   *   none is kept open.
   * @param descriptor any open one.
   */
  constructor(disk: Disk, count: number, descriptor: number) {
    this.#disk = disk;
    const bound = Math.min(count, openFilesMax, Math.floor(descriptorLimit() / 4));
    this.#max = disk.closeInBackground === undefined ? 0 : bound;
    if (this.#max > 0) disk.expectOpenFiles?.(this.#max + otherFilesMax, descriptor);
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

/** What a process has open beside these, at a guess. */
const otherFilesMax = 100;
