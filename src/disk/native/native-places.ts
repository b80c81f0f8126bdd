import type fs from "node:fs";
import { constants as files } from "node:fs";
import { constants } from "node:os";
import { makeDevice, type NodeStats, StatxStats, statxBytes, timeAt } from "../node-stats.ts";
import { type PinnedPlace, pinnedPlaceOf } from "../pinned-place.ts";
import type { NodeKind, Stamp } from "../stamp.ts";
import {
  closeOnExec,
  currentDirectory,
  type ForeignFunction,
  type ForeignLibrary,
  isUnspeakable,
} from "./foreign-library.ts";
import { statsOfStatx } from "./statx-stats.ts";

/** The calls of {@link NativeCalls} for a name in an open directory. */
export interface NativePlaces {
  /**
   * What lies under a name in an open directory, itself, by statx(2).
   *
   * @returns `null` where nothing does; `undefined` where that cannot be told like this.
   */
  statIn(directory: number, name: string): NodeStats | null | undefined;
  /**
   * What lies at an absolute path, itself, by statx(2).
   *
   * @returns below 0 where that cannot be told like this: the number of the error where there is
   *   one.
   */
  statAt(path: string): fs.Stats | number;
  /**
   * The mode of what lies at an absolute path, itself, by statx(2).
   *
   * @returns below 0 where that cannot be told like this: the number of the error where there is
   *   one.
   */
  modeAt(path: string): number;
  /** {@link NativePlaces.statIn}, as a stamp. */
  stampIn(place: PinnedPlace): Stamp | null | undefined;
  /** Of an open file, by statx(2). @returns `undefined` where that cannot be told like this. */
  stampOfOpen(descriptor: number): Stamp | undefined;
  /**
   * Whether names can be made and removed in a directory, by faccessat(2).
   *
   * @returns `undefined` where that cannot be told like this.
   */
  isChangeable(place: PinnedPlace): boolean | undefined;
  /** openat(2). @returns a descriptor; -1 where it cannot be opened. */
  openIn(place: PinnedPlace, flags: number, mode: number): number;
  /** renameat2(2). @returns whether it was done. */
  rename(source: string, target: string): boolean;
  /** The same with `RENAME_NOREPLACE`: done only where nothing lies at the target. */
  renameNew(source: string, target: string): boolean;
}

/** @param findOpener finds what opens files, unless nothing is to be opened like this. */
export function nativePlaces(
  { errno, find, addressOf }: ForeignLibrary,
  findOpener: ForeignLibrary["find"],
): NativePlaces {
  const statx = find("int statx(int, str, int, unsigned int, uintptr_t)");
  const faccessat = find("int faccessat(int, str, int, int)");
  const openat = findOpener("int openat(int, str, int, unsigned int)");
  const renameat2 = find("int renameat2(int, str, int, str, unsigned int)");
  const bytes = Buffer.allocUnsafeSlow(statxBytes);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, statxBytes / 4);
  const address = addressOf(bytes);
  const look = (directory: number, name: string, flags: number, wanted: number) =>
    statx?.(directory, name, flags, wanted, address) === 0;
  const isNothing = () => errno() === constants.errno.ENOENT;
  return {
    statIn(directory, name) {
      if (statx === undefined || isUnspeakable(name)) return undefined;
      if (look(directory, name, notFollowed, withBirth)) return new StatxStats(bytes);
      return isNothing() ? null : undefined;
    },
    statAt(path) {
      if (statx === undefined || isUnspeakable(path)) return -1;
      if (!look(currentDirectory, path, notFollowed, withBirth)) return -errno();
      return statsOfStatx(words) ?? -1;
    },
    modeAt(path) {
      if (statx === undefined || isUnspeakable(path)) return -1;
      const isTold = look(currentDirectory, path, notFollowed, typeAndMode);
      return isTold ? bytes.readUInt16LE(28) : -errno();
    },
    stampIn({ directory, name }) {
      if (statx === undefined || isUnspeakable(name)) return undefined;
      if (look(directory, name, notFollowed, basicStats)) return stampIn(bytes);
      return isNothing() ? null : undefined;
    },
    stampOfOpen(descriptor) {
      return look(descriptor, "", ofDescriptor, basicStats) ? stampIn(bytes) : undefined;
    },
    isChangeable({ directory, name }) {
      if (faccessat === undefined || isUnspeakable(name)) return undefined;
      return faccessat(directory, name, files.W_OK | files.X_OK, 0) === 0;
    },
    openIn({ directory, name }, flags, mode) {
      if (openat === undefined || isUnspeakable(name)) return -1;
      return openat(directory, name, flags | closeOnExec, mode);
    },
    rename: (source, target) => move(renameat2, source, target, 0),
    renameNew: (source, target) => move(renameat2, source, target, renameNoReplace),
  };
}

/** `AT_SYMLINK_NOFOLLOW` and `AT_NO_AUTOMOUNT`, as lstat(2) does. */
const notFollowed = 0x100 | 0x800;
/** `AT_EMPTY_PATH`. */
const ofDescriptor = 0x1000;
/** `STATX_TYPE` and `STATX_MODE`. */
const typeAndMode = 0x3;
/** All that lstat(2) tells. */
const basicStats = 0x7ff;
/** And the time of birth. */
const withBirth = basicStats | 0x800;
const renameNoReplace = 1;

function move(
  renameat2: ForeignFunction | undefined,
  source: string,
  target: string,
  flags: number,
): boolean {
  if (renameat2 === undefined || isUnspeakable(source) || isUnspeakable(target)) return false;
  const from = pinnedPlaceOf(source);
  const to = pinnedPlaceOf(target);
  return (
    renameat2(
      from?.directory ?? currentDirectory,
      from?.name ?? source,
      to?.directory ?? currentDirectory,
      to?.name ?? target,
      flags,
    ) === 0
  );
}

/** The stamp that a `struct statx` holds. */
function stampIn(bytes: Buffer): Stamp {
  const mode = bytes.readUInt16LE(28);
  return {
    kind: kinds.get(mode & files.S_IFMT) ?? "other",
    dev: BigInt(makeDevice(bytes.readUInt32LE(136), bytes.readUInt32LE(140))),
    ino: bytes.readBigUInt64LE(32),
    mode: mode & 0o7777,
    nlink: bytes.readUInt32LE(16),
    uid: bytes.readUInt32LE(20),
    gid: bytes.readUInt32LE(24),
    size: Number(bytes.readBigUInt64LE(40)),
    mtimeNs: timeAt(bytes, 112),
    ctimeNs: timeAt(bytes, 96),
  };
}

const kinds: ReadonlyMap<number, NodeKind> = new Map([
  [files.S_IFREG, "file"],
  [files.S_IFDIR, "directory"],
  [files.S_IFLNK, "symlink"],
]);
