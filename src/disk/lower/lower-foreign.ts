import fs from "node:fs";
import { isAbsence } from "../error-codes.ts";
import { Lower } from "./lower.ts";
import { bigIntStatsPrototype } from "./lower-classes.ts";

const { S_IFLNK, S_IFMT } = fs.constants;

/**
 * A lower that is not the real disk: a memfs volume, a unionfs, another overlay. What it says is
 * given the form in which the disk would say it, so that nothing above needs to know the
 * difference.
 */
export class ForeignLower extends Lower {
  override lstat(path: string): fs.Stats | undefined {
    const stats = unlessAbsent(() => this.fs.lstatSync(path));
    if (stats === undefined || stats instanceof fs.Stats) return stats;
    return this.#ofThisNode(path, stats, fs.Stats.prototype) as fs.Stats;
  }

  override lstatExact(path: string): fs.BigIntStats | undefined {
    const stats = unlessAbsent(() => this.fs.lstatSync(path, { bigint: true }));
    if (stats === undefined || Object.getPrototypeOf(stats) === bigIntStatsPrototype) return stats;
    return this.#ofThisNode(path, stats, bigIntStatsPrototype) as fs.BigIntStats;
  }

  override fstat(descriptor: number): fs.BigIntStats {
    return guarded(() => super.fstat(descriptor));
  }

  override describe(descriptor: number, bigint: boolean): fs.Stats | fs.BigIntStats {
    const stats = guarded(() => super.describe(descriptor, bigint));
    const prototype = bigint ? bigIntStatsPrototype : fs.Stats.prototype;
    return Object.getPrototypeOf(stats) === prototype ? stats : withPrototype(stats, prototype);
  }

  override readlink(path: string): string {
    return guarded(() => super.readlink(path));
  }

  override readdir(path: string): fs.Dirent[] {
    return guarded(() => super.readdir(path));
  }

  override names(path: string): string[] {
    return this.readdir(path).map(({ name }) => name);
  }

  override open(path: string): number {
    return guarded(() => super.open(path));
  }

  override read(descriptor: number, buffer: Uint8Array, position: number): number {
    return this.#reading(descriptor, () => super.read(descriptor, buffer, position));
  }

  /** A copy: some file systems hand out views of memory that others share. */
  override readWhole(descriptor: number): Buffer {
    return this.#reading(descriptor, () => {
      const bytes = super.readWhole(descriptor);
      return bytes.byteLength === bytes.buffer.byteLength ? bytes : exactCopy(bytes);
    });
  }

  /**
   * Of a descriptor that a read failed on, unionfs asks the next file system, which does not know
   * it, and tells of that: of a directory, `EBADF`.
   */
  #reading<T>(descriptor: number, run: () => T): T {
    try {
      return guarded(run);
    } catch (error) {
      const isUnknown = (error as NodeJS.ErrnoException).code === "EBADF";
      if (!isUnknown || !this.fstat(descriptor).isDirectory()) throw error;
      throw Object.assign(new Error("EISDIR", { cause: error }), { code: "EISDIR" });
    }
  }

  /** memfs gives links the mode of files and no size. */
  #ofThisNode(path: string, stats: fs.Stats | fs.BigIntStats, prototype: object): object {
    const same = withPrototype(stats, prototype);
    if ((Number(stats.mode) & S_IFMT) !== S_IFLNK) return same;
    const size = Buffer.byteLength(this.readlink(path));
    const mode = S_IFLNK | 0o777;
    const isExact = typeof stats.mode === "bigint";
    return Object.assign(same, {
      mode: isExact ? BigInt(mode) : mode,
      size: isExact ? BigInt(size) : size,
    });
  }
}

function exactCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

const millisecondNs = 1_000_000n;
const timeNames = ["atime", "mtime", "ctime", "birthtime"] as const;

function withPrototype<T extends fs.Stats | fs.BigIntStats>(stats: T, prototype: object): T {
  const same = Object.create(prototype) as Record<string, unknown>;
  for (const [key, value] of Object.entries(stats)) {
    if (typeof value !== "function" && !key.startsWith("_")) same[key] = value;
  }
  for (const name of timeNames) {
    const milliseconds = stats[`${name}Ms`];
    if (typeof milliseconds === "bigint") {
      const given = (stats as fs.BigIntStats)[`${name}Ns`];
      same[`${name}Ns`] = given ?? milliseconds * millisecondNs;
    }
  }
  return same as unknown as T;
}

/**
 * Without `throwIfNoEntry: false`, which unionfs would take for an answer of the first file system
 * that it asks.
 */
function unlessAbsent<T>(run: () => T): T | undefined {
  try {
    return guarded(run);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/**
 * Errors as a system call raises them: which call and path it is about is for the caller to say.
 */
function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (caught) {
    const { code, errno, syscall } = caught as NodeJS.ErrnoException;
    if (typeof code !== "string" || code.startsWith("ERR_")) throw caught;
    throw Object.assign(new Error((caught as Error).message, { cause: caught }), {
      code,
      errno,
      syscall,
    });
  }
}
