import fs from "node:fs";
import { constants } from "node:os";
import { type ByteRange, dataRangesOf } from "../data-ranges.ts";
import { isAbsence } from "../error-codes.ts";
import { decodeName, encodePath } from "../names.ts";
import { currentDirectory } from "../native/foreign-library.ts";
import { type NativeCalls, nativeCalls } from "../native/native-calls.ts";
import { hasPinnedPaths, pinnedPath } from "../pinned-place.ts";
import { type Stamp, stampOf } from "../stamp.ts";
import { AbsentNames } from "./absent-names.ts";
import { type HeldDirectory, heldBy } from "./held-directory.ts";
import { LowerPool } from "./lower-pool.ts";
import { onlyToLook, openStraight, placeOf, StrayedError } from "./straight-open.ts";

/**
 * What the overlay asks of the file system below it: a few synchronous, read-only functions in the
 * shape of `node:fs`. `node:fs` itself, a memfs volume, a unionfs and the `fs` of another overlay
 * all qualify.
 */
export type LowerFileSystem = Pick<
  typeof fs,
  | "lstatSync"
  | "statSync"
  | "readdirSync"
  | "readlinkSync"
  | "openSync"
  | "closeSync"
  | "readSync"
  | "fstatSync"
  | "readFileSync"
> &
  Partial<Pick<typeof fs, "promises" | "accessSync" | "statfsSync" | "watch" | "readFile">>;

/**
 * The read-only door to the tree below an overlay. Paths are absolute; links are never followed.
 */
export class Lower {
  readonly fs: LowerFileSystem;
  /**
   * Whether this is the real disk, so that descriptors are the kernel's and paths can be handed
   * over.
   */
  readonly native: boolean;
  /** Files that are read piece by piece. */
  readonly pool: LowerPool = new LowerPool(this);

  /** What is opened below this directory must really lie below it. */
  #confinedTo: string | undefined;
  /** Nor is anything looked at that lies elsewhere, or under another path below it. */
  #isStrict = false;

  /** Names of which none lies below the root. */
  #absent: AbsentNames | undefined;
  #looker: NativeCalls | undefined;
  /** Until native calls are wished for again. */
  #looksLeft = 0;

  constructor(fileSystem: LowerFileSystem) {
    this.fs = fileSystem;
    this.native = fileSystem === fs;
  }

  /**
   * Refuses from now on to open what only seems to lie below `root`: between a look at a path and
   * its use, a directory on the way may have been swapped for a link. Linux only.
   *
   * @param isStrict whether links that lead elsewhere below the root are refused as well, and looks
   *   as openings are: these take half as long again then, or twice.
   */
  confine(root: string, isStrict: boolean): void {
    if (!this.native || process.platform !== "linux") return;
    this.#isStrict = isStrict;
    try {
      this.#confinedTo = fs.realpathSync.native(root) === root ? root : undefined;
    } catch {
      // A root that is not there is for whoever reads it to complain about.
    }
    // Where looks are strict, each goes by its whole path.
    if (!isStrict && this.#confinedTo !== undefined) this.#absent = new AbsentNames();
  }

  /**
   * Opens a directory below the root, so that what is listed cannot be swapped for another one
   * between the look and the listing.
   *
   * @returns `undefined` where nothing confines, or nothing can tell.
   * @throws `EACCES` when the directory lies elsewhere, and as `open(2)`.
   */
  hold(path: string): HeldDirectory | undefined {
    const root = this.#confinedTo;
    if (root === undefined || !isBelow(path, root) || !hasPinnedPaths()) return undefined;
    const direct = openWithoutLinks(path, holdDirectory);
    if (direct >= 0) return heldBy(direct);
    const descriptor = this.#isStrict
      ? openStraight(path, holdDirectory)
      : fs.openSync(encodePath(path), holdDirectory);
    const place = placeOf(descriptor);
    if (place !== undefined && isBelow(place, root)) return heldBy(descriptor);
    fs.closeSync(descriptor);
    if (place === undefined) return undefined;
    throw new StrayedError("open", path);
  }

  /** What lies at a path itself, or `undefined`. */
  lstat(path: string): fs.Stats | undefined {
    try {
      if (this.#looksStrictly(path)) return this.#lookAt(path, (file) => fs.fstatSync(file));
      const direct = this.#looks()?.statAt(path) ?? -1;
      if (typeof direct === "object") return direct;
      if (direct === -ENOENT || direct === -ENOTDIR) return undefined;
      return this.fs.lstatSync(encodePath(path), { throwIfNoEntry: false }) as fs.Stats | undefined;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  /**
   * {@link lstat} of a name in a directory, which may be known to have none such.
   *
   * @param uid the user who asks.
   */
  lstatIn(directory: string, name: string, path: string, uid: number): fs.Stats | undefined {
    if (this.#absent?.tells(directory, name, uid) === true) return undefined;
    const stats = this.lstat(path);
    if (stats === undefined) this.#absent?.count(directory, uid);
    return stats;
  }

  /** Gives back the memory that names which are not there take. */
  forgetNames(): void {
    this.#absent?.forget();
  }

  /** The native calls, wished for once in many looks; `undefined` where Node has to look. */
  #looks(): NativeCalls | undefined {
    if (!this.native) return undefined;
    this.#looksLeft -= 1;
    if (this.#looksLeft < 0) {
      this.#looksLeft = looksPerWish;
      this.#looker = nativeCalls(statSavingUs * looksPerWish);
    }
    return this.#looker;
  }

  /** Like {@link lstat}, with 64-bit identity and nanosecond times. */
  lstatExact(path: string): fs.BigIntStats | undefined {
    try {
      if (this.#looksStrictly(path)) return this.#lookAt(path, (file) => this.fstat(file));
      return this.fs.lstatSync(encodePath(path), { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }

  /** The mode of what lies at a path itself, or `undefined`. */
  modeAt(path: string): number | undefined {
    const isPlain = this.native && !this.#looksStrictly(path);
    const mode = isPlain ? (nativeCalls(directLookSavingUs)?.modeAt(path) ?? -1) : -1;
    if (mode >= 0) return mode;
    if (mode === -ENOENT || mode === -ENOTDIR) return undefined;
    return this.lstat(path)?.mode;
  }

  #looksStrictly(path: string): boolean {
    const root = this.#confinedTo;
    return this.#isStrict && root !== undefined && isBelow(path, root);
  }

  /** @returns `undefined` where nothing lies. */
  #lookAt<T>(path: string, use: (descriptor: number) => T): T | undefined {
    const direct = openWithoutLinks(path, onlyToLook);
    if (direct === -ENOENT || direct === -ENOTDIR) return undefined;
    // A link on the way: as the last component one is opened.
    if (direct === -ELOOP) throw new StrayedError("lstat", path);
    const descriptor = direct >= 0 ? direct : openStraight(path, onlyToLook);
    try {
      return use(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /** The stamp of what lies at a path itself, or `undefined`. */
  stamp(path: string): Stamp | undefined {
    const looker = this.#looksStrictly(path) ? undefined : this.#looks();
    const direct = looker?.stampIn({ directory: currentDirectory, name: path });
    if (direct !== undefined) return direct ?? undefined;
    const stats = this.lstatExact(path);
    return stats === undefined ? undefined : stampOf(stats);
  }

  readlink(path: string): string {
    if (!this.native) return this.fs.readlinkSync(path) as string;
    if (this.#looksStrictly(path) && hasPinnedPaths()) return this.#strictTarget(path);
    return decodeName(this.fs.readlinkSync(encodePath(path), { encoding: "buffer" }));
  }

  #strictTarget(path: string): string {
    const end = path.lastIndexOf("/");
    const target = this.#lookAt(path.slice(0, end), (directory) => {
      const place = encodePath(`${pinnedPath(directory)}${path.slice(end)}`);
      return decodeName(fs.readlinkSync(place, { encoding: "buffer" }));
    });
    if (target === undefined) throw new StrayedError("readlink", path);
    return target;
  }

  /** Entries in the order of the lower, which for the real disk is that of their bytes. */
  readdir(path: string): fs.Dirent[] {
    const held = this.hold(path);
    try {
      return this.#entriesOf(held?.path ?? encodePath(path));
    } finally {
      held?.close();
    }
  }

  /** Names of entries, in the order of {@link Lower.readdir}. */
  names(path: string): string[] {
    const held = this.hold(path);
    try {
      const told = held?.names();
      if (told !== undefined) return told;
      const place = held?.path ?? encodePath(path);
      const names = this.fs.readdirSync(place);
      if (!names.some((name) => name.includes("\ufffd"))) return names;
      return this.fs.readdirSync(place, { encoding: "buffer" }).map(decodeName);
    } finally {
      held?.close();
    }
  }

  #entriesOf(path: string | Buffer): fs.Dirent[] {
    const entries = this.fs.readdirSync(path, { withFileTypes: true });
    if (!this.native || !entries.some((entry) => entry.name.includes("\ufffd"))) return entries;
    const exact = this.fs.readdirSync(path, {
      withFileTypes: true,
      encoding: "buffer",
    }) as unknown as fs.Dirent<Buffer>[];
    return entries.map((entry, index) => {
      const bytes = exact[index]?.name;
      if (bytes !== undefined) entry.name = decodeName(bytes);
      return entry;
    });
  }

  /** Opens for reading; a link at the path itself is refused with `ELOOP`. */
  open(path: string): number {
    const root = this.#confinedTo;
    if (root === undefined || !isBelow(path, root)) {
      return this.fs.openSync(encodePath(path), readWithoutFollowing);
    }
    const direct = openWithoutLinks(path, readWithoutFollowing);
    if (direct >= 0) return direct;
    if (this.#isStrict) return openStraight(path, readWithoutFollowing);
    const descriptor = this.fs.openSync(encodePath(path), readWithoutFollowing);
    // The kernel's own word on where the file lies; `node:fs` has no openat2.
    const place = placeOf(descriptor);
    if (place === undefined || isBelow(place, root)) return descriptor;
    this.fs.closeSync(descriptor);
    throw new StrayedError("open", path);
  }

  close(descriptor: number): void {
    this.fs.closeSync(descriptor);
  }

  fstat(descriptor: number): fs.BigIntStats {
    return this.fs.fstatSync(descriptor, { bigint: true });
  }

  /** What `fstat` says of an open file, as an instance of Node's own class. */
  describe(descriptor: number, bigint: boolean): fs.Stats | fs.BigIntStats {
    return bigint ? this.fstat(descriptor) : this.fs.fstatSync(descriptor);
  }

  /** Where an open file has data, in order. */
  dataRanges(descriptor: number, size: number): Iterable<ByteRange> {
    return this.native ? dataRangesOf(descriptor, size) : [{ start: 0, end: size }];
  }

  /** Bytes in an open file; `undefined` for what is none. */
  sizeOf(descriptor: number): number | undefined {
    const stats = this.fs.fstatSync(descriptor);
    return stats.isFile() ? stats.size : undefined;
  }

  /**
   * Reads an open file to its end, where that is within the buffer and nothing is odd about it.
   *
   * @returns how many bytes it has, which lie at the start of the buffer; `undefined` for empty and
   *   larger files, and for what may not be a file at all.
   * @throws `ESPIPE` for a fifo, of which nothing is taken.
   */
  readSmall(descriptor: number, buffer: Uint8Array): number | undefined {
    const length = this.fs.readSync(descriptor, buffer, 0, buffer.length, 0);
    if (length === 0 || length === buffer.length) return undefined;
    // Some file systems give less than there is.
    const more = this.fs.readSync(descriptor, buffer, length, buffer.length - length, length);
    return more === 0 ? length : undefined;
  }

  /** All bytes from the start of an open file to its end. */
  readWhole(descriptor: number): Buffer {
    return this.fs.readFileSync(descriptor);
  }

  /** What the file system that holds `path` says of itself. */
  statfs(path: string, bigint: boolean): fs.StatsFs | fs.BigIntStatsFs {
    const told = this.fs.statfsSync?.(encodePath(path), { bigint });
    const names = statfsNames();
    if (told !== undefined && names.every((name) => name in told)) return told;
    const facts = { bsize: blockBytes, ...told };
    const values: Record<string, number | bigint> = { ...facts, frsize: facts.bsize };
    const all = names.map((name) => [name, (bigint ? BigInt : Number)(values[name] ?? 0)]);
    return Object.fromEntries(all) as fs.StatsFs | fs.BigIntStatsFs;
  }

  /** Fills `buffer` from `position`; returns fewer bytes only at the end of the file. */
  read(descriptor: number, buffer: Uint8Array, position: number): number {
    let filled = 0;
    while (filled < buffer.length) {
      const length = buffer.length - filled;
      const count = this.fs.readSync(descriptor, buffer, filled, length, position + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }
}

/** Unit of allocation of a file system that has none, in bytes. */
const blockBytes = 4096;

let knownNames: readonly string[] | undefined;

/** All that this Node tells of a file system; a lower that cannot tell one of them says 0. */
function statfsNames(): readonly string[] {
  knownNames ??= Object.keys(fs.statfsSync("/"));
  return knownNames;
}

/**
 * Flags that read a file but never follow a link in its last component, and never wait for whoever
 * may write to a fifo.
 */
export const readWithoutFollowing =
  fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);

const holdDirectory = readWithoutFollowing | (fs.constants.O_DIRECTORY ?? 0);

const { ELOOP, ENOENT, ENOTDIR } = constants.errno;

/** What statx saves of a `Stats` that nobody asks for, in microseconds. */
const directLookSavingUs = 1;

/** What it saves of one that is asked for. */
const statSavingUs = 0.5;
/** A wish for native calls takes as long as it saves one look, by the environment. */
const looksPerWish = 64;

/** What openat2 saves of the look at where a descriptor leads, in microseconds. */
const directOpenSavingUs = 4;

/** Opens what no link on the way leads to: such a path cannot stray. -1 where it does not work. */
function openWithoutLinks(path: string, flags: number): number {
  return nativeCalls(directOpenSavingUs)?.openWithoutLinks(path, flags) ?? -1;
}

function isBelow(path: string, root: string): boolean {
  return root === "/" || path === root || path.startsWith(`${root}/`);
}

/** What a directory holds, by `list`; nothing where it has gone. */
export function noneIfAbsent<T>(list: () => T[]): T[] {
  try {
    return list();
  } catch (error) {
    if (isAbsence(error)) return [];
    throw error;
  }
}
