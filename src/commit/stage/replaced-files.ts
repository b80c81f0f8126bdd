import type { Disk } from "../../disk/disk.ts";
import { descriptorLimit } from "../../disk/node/descriptor-limit.ts";
import { openFilesMax } from "../../limits.ts";
import { type Expectation, losesBytes } from "../plan/plan.ts";

/**
 * Keeps the files open that a commit replaces. The kernel gives back the blocks of a file when
 * nothing refers to it any more, which takes as long as the rename itself; for these that is after
 * the commit, in a thread beside it.
 */
export class ReplacedFiles {
  readonly #disk: Disk;
  readonly #descriptors: number[] = [];
  readonly #max: number;

  /**
   * @param count how many to keep open at most.
   * @param beside how many directories may be open beside these, and any open descriptor.
   */
  constructor(
    disk: Disk,
    count: number,
    beside: { readonly directories: number; readonly descriptor: number },
  ) {
    this.#disk = disk;
    const bound = Math.min(count, openFilesMax, Math.floor(descriptorLimit() / 4));
    this.#max = disk.closeInBackground === undefined ? 0 : bound;
    const expected = this.#max + beside.directories + otherFilesMax;
    if (expected > tableMin) disk.expectOpenFiles?.(expected, beside.descriptor);
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

/** What else a process has open, at a guess. */
const otherFilesMax = 100;
/** So many the kernel's table of descriptors holds before it grows for the first time. */
const tableMin = 256;
