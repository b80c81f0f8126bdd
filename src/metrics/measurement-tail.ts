import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import { isUntouched, type Stamp } from "../disk/stamp.ts";
import { MIB } from "../limits.ts";
import type { Measurement } from "./measurement.ts";
import { leadsOutside } from "./measurement-place.ts";
import { measurementOf, recordOf } from "./measurement-record.ts";

/** What has come into a file since the last look at it. */
export interface TailNews {
  /** Whether these are all that it holds now: it was replaced, shortened or removed. */
  readonly isAnew: boolean;
  readonly measurements: readonly Measurement[];
}

/** As much is read at once, the end of it: about 13,000 measurements. */
const readBytesMax = 4 * MIB;

/**
 * Follows a file of measurements that other processes write. A look at a file that has not changed
 * is one call of the system, and what was read once is not read again. Nothing is read through a
 * link.
 */
export class MeasurementTail {
  readonly path: string;
  readonly #disk: Disk;
  readonly #root: string;
  #seen: Stamp | undefined;
  /** Where the next line begins. */
  #offset = 0;
  /** The last line before it, as bytes: an inode number can come again with another file. */
  #lastLine = Buffer.alloc(0);
  #problem: string | undefined;

  /** @param root absolute path of the directory that the file must not lie outside of. */
  constructor(disk: Disk, root: string, path: string) {
    this.path = path;
    this.#disk = disk;
    this.#root = root;
  }

  /** Why nothing can be read, when that is so. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @returns `undefined` when nothing has changed since the last call. */
  read(): TailNews | undefined {
    try {
      const found = this.#disk.lstat(this.path);
      if (found === undefined) return this.#forget(undefined);
      if (this.#seen !== undefined && isUntouched(found, this.#seen)) return undefined;
      if (found.kind !== "file" || leadsOutside(this.#disk, this.#root, this.path)) {
        return this.#forget("it is no file, or a link leads there", found);
      }
      return this.#readFrom(found);
    } catch (error) {
      return this.#forget((error as NodeJS.ErrnoException).code ?? String(error));
    }
  }

  #forget(problem: string | undefined, found?: Stamp): TailNews | undefined {
    const isNews = this.#offset > 0 || this.#problem !== problem;
    this.#seen = found;
    this.#offset = 0;
    this.#problem = problem;
    return isNews ? { isAnew: true, measurements: [] } : undefined;
  }

  #readFrom(found: Stamp): TailNews | undefined {
    const seen = this.#seen;
    const descriptor = this.#disk.open(this.path, openFlags.read);
    try {
      const isSame = seen?.ino === found.ino && seen.dev === found.dev && this.#offset > 0;
      const isAnew = !isSame || !this.#goesOn(descriptor, found.size);
      const from = Math.max(isAnew ? 0 : this.#offset, found.size - readBytesMax);
      const buffer = Buffer.alloc(Math.max(0, found.size - from));
      const bytes = buffer.subarray(0, this.#disk.read(descriptor, buffer, from));
      const end = bytes.lastIndexOf("\n") + 1;
      const lines = bytes.toString("utf8", 0, end).split(/(?<=\n)/);
      if (isAnew && end > 0 && !lines.some((line) => recordOf(line) !== undefined)) {
        return this.#forget("it holds something else", found);
      }
      this.#seen = found;
      this.#problem = undefined;
      if (isAnew || end > 0) {
        this.#offset = from + end;
        const lastLine = bytes.subarray(bytes.lastIndexOf("\n", end - 2) + 1, end);
        this.#lastLine = Buffer.from(end > 0 ? lastLine : []);
      }
      return { isAnew, measurements: lines.flatMap((line) => measurementOf(line) ?? []) };
    } finally {
      this.#disk.close(descriptor);
    }
  }

  /** Whether an open file still has what was read of it. */
  #goesOn(descriptor: number, size: number): boolean {
    const known = this.#lastLine;
    if (size < this.#offset) return false;
    const there = Buffer.alloc(known.length);
    const length = this.#disk.read(descriptor, there, this.#offset - known.length);
    return length === known.length && there.equals(known);
  }
}
