import type { Disk } from "../../disk/disk.ts";
import { descriptorLimit } from "../../disk/node/descriptor-limit.ts";
import { backgroundFilesMin, openFilesMax } from "../../limits.ts";
import type { OpenPack } from "../../objects/pack-output.ts";
import { openDirectoriesMaxOf } from "../plan/open-directories-max.ts";
import { type CommitPlan, type Expectation, losesBytes } from "../plan/plan.ts";
import type { Stager } from "./stage.ts";

/**
 * Keeps the files open that a commit replaces. The kernel gives back the blocks of a file when
 * nothing refers to it any more, which takes as long as the rename itself; for these that is after
 * the commit, in a thread beside it.
 */
export class ReplacedFiles {
  readonly #disk: Disk;
  readonly #descriptors: number[] = [];
  readonly #max: number;

  /** @param file any that is open, or will be as soon as it is asked for. */
  constructor(
    disk: Disk,
    plan: CommitPlan,
    { isInBackground }: Pick<Stager, "isInBackground">,
    file: OpenPack,
  ) {
    this.#disk = disk;
    const { length } = plan.expectations;
    // Of many it takes a thread of ours, which is not worth starting for this alone.
    const count = isInBackground || length < backgroundFilesMin ? length : 0;
    const bound = Math.min(count, openFilesMax, Math.floor(descriptorLimit() / 4));
    this.#max = disk.closeInBackground === undefined ? 0 : bound;
    const expected = this.#max + openDirectoriesMaxOf(plan) + otherFilesMax;
    if (expected > tableMin) disk.expectOpenFiles?.(expected, file.descriptor);
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
