import { createRequire } from "node:module";
import { constants, endianness } from "node:os";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { KIB, nativeLoadUs } from "../../limits.ts";
import { openFlags } from "../open-flags.ts";
import { ownUrlOf } from "../own-url.ts";
import { type DirectoryMarks, directoryMarks } from "./directory-marks.ts";
import {
  closeOnExec,
  currentDirectory,
  type ForeignFunction,
  type ForeignLibrary,
  isUnspeakable,
} from "./foreign-library.ts";
import { type NamesIn, namesIn } from "./native-names.ts";
import { type NativePlaces, nativePlaces } from "./native-places.ts";

/**
 * System calls that Node has no functions for, by koffi where it is installed; everything works
 * without them, only slower. Linux only.
 *
 * None throws: what could not be done this way is to be done by Node's own calls, which also know
 * how to say why it cannot be done at all.
 *
 * In a worker thread none opens anything: Node warns when it is to close what it has not opened
 * there, and would leave it open when the thread is ended.
 */
export interface NativeCalls extends NativePlaces, DirectoryMarks {
  /**
   * Opens by openat2(2) what no symbolic link on the way leads to.
   *
   * @param path absolute.
   * @returns a descriptor; below 0 where it cannot be opened, or not like this: the number of the
   *   error where there is one.
   */
  openWithoutLinks(path: string, flags: number): number;
  /**
   * Opens a directory by openat2(2), by a path relative to an open one on which no symbolic link
   * and no mount lies.
   *
   * @returns a descriptor; -1 where it cannot be opened, or not like this.
   */
  openDirectoryBelow(directory: number, path: string): number;
  readonly namesIn: NamesIn;
  /**
   * lseek(2), for holes (`SEEK_DATA`, `SEEK_HOLE`); moves the place that reading without a position
   * starts from. Missing where there is none.
   *
   * @returns the position; -1 where there is none such.
   */
  readonly seek: ((descriptor: number, position: number, whence: number) => number) | undefined;
  /**
   * Whether children get a descriptor, by fcntl(2).
   *
   * @returns `undefined` where it is not open; the member is missing where nothing tells.
   */
  readonly isInherited: ((descriptor: number) => boolean | undefined) | undefined;
  /** inotify(7); missing where there is none. */
  readonly inotify: Inotify | undefined;
  /** syncfs(2), on a thread. @returns whether everything was written. */
  readonly syncfs: ((descriptor: number) => Promise<boolean>) | undefined;
  /** llistxattr(2), lgetxattr(2). @returns `undefined` where there are none, or none to be had. */
  readAttributes(path: string): ExtendedAttributes | undefined;
  /** flistxattr(2). @returns whether an open file has none for sure. */
  isBare(descriptor: number): boolean;
  /** lsetxattr(2). @returns whether it was set. */
  writeAttribute(path: string, name: string, value: Uint8Array): boolean;
  /**
   * fallocate(2): gives the first `length` bytes of an open file their place on the disk.
   *
   * @returns whether they have it.
   */
  allocate(descriptor: number, length: number): boolean;
  /**
   * fcntl(2) with `F_DUPFD_CLOEXEC`, on a thread.
   *
   * @returns another descriptor, the lowest one that is free from `lowest` on; -1 without one.
   */
  readonly duplicate: ((descriptor: number, lowest: number) => Promise<number>) | undefined;
  /** sync_file_range(2), on a thread: begins to bring a range of a file to its device. */
  readonly beginWriting:
    | ((descriptor: number, position: number, length: number) => Promise<void>)
    | undefined;
  /** flock(2) without waiting; missing where there is none. */
  readonly lockFile:
    | ((descriptor: number, kind: "exclusive" | "shared") => FileLocking)
    | undefined;
  /** Adler-32 by the zlib that Node is linked with. */
  readonly adler32: ((previous: number, bytes: Uint8Array, length: number) => number) | undefined;
}

/** `held`: somebody else has a lock on the file that goes not with this one. */
export type FileLocking = "locked" | "held" | "impossible";

/** Both give a negative number where they fail. */
export interface Inotify {
  /** A queue, closed for children and never waited for. */
  open(): number;
  /** Adds a directory to a queue. @returns the number of its events. */
  add(queue: number, path: string, mask: number): number;
}

/** Values of extended attributes by name; access lists are among them. */
export type ExtendedAttributes = ReadonlyMap<string, Uint8Array>;

interface Koffi {
  errno(): number;
  address(bytes: Uint8Array): unknown;
  load(path: null): { func(prototype: string): ForeignFunction };
}

let loaded: NativeCalls | null | undefined;
let wishedUs = 0;

/**
 * The native calls, once loading them pays: when all that asked for them could have saved as much
 * time as loading takes (the rule of ski rental, never worse than twice the best choice; Karlin,
 * Manasse, Rudolph, Sleator 1988). `DRAFTFS_NATIVE=0` in the environment is never, `1` at once.
 *
 * @param savingUs about how much the caller's work would gain by them, in microseconds; infinity
 *   where it cannot be done without.
 */
export function nativeCalls(savingUs: number): NativeCalls | undefined {
  if (loaded !== undefined) return loaded ?? undefined;
  const wish = process.env["DRAFTFS_NATIVE"];
  wishedUs += savingUs;
  if (wish !== "1" && wish !== "0" && wishedUs < nativeLoadUs) return undefined;
  loaded = (wish === "0" ? undefined : load()) ?? null;
  return loaded ?? undefined;
}

function load(): NativeCalls | undefined {
  if (process.platform !== "linux" || endianness() !== "LE") return undefined;
  const library = loadLibrary();
  if (library === undefined) return undefined;
  const { find } = library;
  const findOpener = isMainThread ? find : () => undefined;
  const fcntl = find("int fcntl(int, int, int)");
  const syscall = findOpener("long syscall(long, int, str, void*, size_t)");
  return {
    openWithoutLinks: openWithoutLinks(library, syscall),
    openDirectoryBelow: openDirectoryBelow(syscall),
    namesIn: namesIn(library),
    ...nativePlaces(library, findOpener),
    ...directoryMarks(library),
    // Where a long has 32 bits, this call knows positions up to 2 GiB only.
    seek: has32Bits ? undefined : find("long lseek(int, long, int)"),
    isInherited: isInherited(fcntl),
    inotify: inotify(
      findOpener("int inotify_init1(int)"),
      find("int inotify_add_watch(int, str, uint32_t)"),
    ),
    syncfs: syncfs(find("int syncfs(int)")),
    readAttributes: readAttributes(
      find("long llistxattr(str, void*, size_t)"),
      find("long lgetxattr(str, str, void*, size_t)"),
    ),
    isBare: isBare(find("long flistxattr(int, void*, size_t)")),
    writeAttribute: writeAttribute(find("int lsetxattr(str, str, void*, size_t, int)")),
    allocate: allocate(find("int fallocate(int, int, long, long)")),
    duplicate: duplicate(findOpener("int fcntl(int, int, int)")),
    beginWriting: beginWriting(find("int sync_file_range(int, int64_t, int64_t, uint32_t)")),
    lockFile: lockFile(library),
    adler32: find("uint32_t adler32(uint32_t, void*, uint32_t)"),
  };
}

/** The C library; `undefined` where koffi is not installed, or not for this machine. */
function loadLibrary(): ForeignLibrary | undefined {
  try {
    const koffi = createRequire(ownUrlOf(import.meta.url))("koffi") as Koffi;
    const library = koffi.load(null);
    const find = (prototype: string): ForeignFunction | undefined => {
      try {
        return library.func(prototype);
      } catch {
        return undefined;
      }
    };
    return { errno: () => koffi.errno(), find, addressOf: (bytes) => koffi.address(bytes) };
  } catch {
    return undefined;
  }
}

const has32Bits = ["arm", "ia32", "mipsel"].includes(process.arch);

/** Its number on every architecture that Node runs on. */
const openat2 = 437;
const resolveNoMounts = 0x01n;
const resolveNoSymlinks = 0x04n;

function openWithoutLinks(
  { errno }: ForeignLibrary,
  syscall: ForeignFunction | undefined,
): NativeCalls["openWithoutLinks"] {
  const orders = new Map<number, Buffer>();
  return (path, flags) => {
    if (syscall === undefined || isUnspeakable(path)) return -1;
    let order = orders.get(flags);
    if (order === undefined) {
      order = openingOrder(flags, resolveNoSymlinks);
      orders.set(flags, order);
    }
    const descriptor = syscall(openat2, currentDirectory, path, order, order.length);
    return descriptor < 0 ? -errno() : descriptor;
  };
}

function openDirectoryBelow(
  syscall: ForeignFunction | undefined,
): NativeCalls["openDirectoryBelow"] {
  const order = openingOrder(openFlags.readDirectory, resolveNoSymlinks | resolveNoMounts);
  return (directory, path) => {
    if (syscall === undefined || isUnspeakable(path)) return -1;
    return syscall(openat2, directory, path, order, order.length);
  };
}

/** `struct open_how` of openat2(2): flags, mode, resolve. */
function openingOrder(flags: number, resolve: bigint): Buffer {
  const order = Buffer.alloc(24);
  order.writeBigUInt64LE(BigInt(flags | closeOnExec), 0);
  order.writeBigUInt64LE(resolve, 16);
  return order;
}

const getDescriptorFlags = 1;
/** `FD_CLOEXEC`. */
const closedForChildren = 1;

function isInherited(fcntl: ForeignFunction | undefined): NativeCalls["isInherited"] {
  if (fcntl === undefined) return undefined;
  return (descriptor) => {
    const flags = fcntl(descriptor, getDescriptorFlags, 0);
    return flags < 0 ? undefined : (flags & closedForChildren) === 0;
  };
}

/** `IN_NONBLOCK`, whose number is that of `O_NONBLOCK`. */
const neverWait = 0o4000;

function inotify(
  init: ForeignFunction | undefined,
  add: ForeignFunction | undefined,
): Inotify | undefined {
  if (init === undefined || add === undefined) return undefined;
  return {
    open: () => init(closeOnExec | neverWait),
    add: (queue, path, mask) => add(queue, path, mask),
  };
}

function syncfs(call: ForeignFunction | undefined): NativeCalls["syncfs"] {
  if (call === undefined) return undefined;
  return (descriptor) =>
    new Promise((resolve) => {
      call.async(descriptor, (error: unknown, result: unknown) => {
        resolve(error === null && result === 0);
      });
    });
}

/** The kernel's own bound for one value, and for all names of one file (xattr(7)). */
const attributeBytesMax = 64 * KIB;

function readAttributes(
  list: ForeignFunction | undefined,
  get: ForeignFunction | undefined,
): NativeCalls["readAttributes"] {
  const buffer = Buffer.allocUnsafeSlow(attributeBytesMax);
  return (path) => {
    if (list === undefined || get === undefined || isUnspeakable(path)) return undefined;
    const length = list(path, buffer, buffer.length);
    if (length <= 0) return undefined;
    const names = buffer.toString("utf8", 0, length).split("\0").slice(0, -1);
    const attributes = new Map<string, Uint8Array>();
    for (const name of names) {
      const size = get(path, name, buffer, buffer.length);
      if (size >= 0) attributes.set(name, new Uint8Array(buffer.subarray(0, size)));
    }
    return attributes;
  };
}

function isBare(list: ForeignFunction | undefined): NativeCalls["isBare"] {
  return (descriptor) => list?.(descriptor, null, 0) === 0;
}

function writeAttribute(set: ForeignFunction | undefined): NativeCalls["writeAttribute"] {
  return (path, name, value) => {
    if (set === undefined || isUnspeakable(path)) return false;
    return set(path, name, value, value.length, 0) === 0;
  };
}

function allocate(fallocate: ForeignFunction | undefined): NativeCalls["allocate"] {
  return (descriptor, length) => fallocate?.(descriptor, 0, 0, length) === 0;
}

/** F_DUPFD_CLOEXEC of fcntl(2). */
const duplicateOrder = 1030;

function duplicate(fcntl: ForeignFunction | undefined): NativeCalls["duplicate"] {
  if (fcntl === undefined) return undefined;
  return (descriptor, lowest) =>
    new Promise((resolve) => {
      fcntl.async(descriptor, duplicateOrder, lowest, (error: unknown, result: number) => {
        resolve(error === null ? result : -1);
      });
    });
}

/** SYNC_FILE_RANGE_WRITE of sync_file_range(2). */
const withoutWaiting = 2;

function beginWriting(call: ForeignFunction | undefined): NativeCalls["beginWriting"] {
  if (call === undefined) return undefined;
  return (descriptor, position, length) =>
    new Promise((resolve) => {
      // Whether it could is told by the fsync that follows.
      call.async(descriptor, position, length, withoutWaiting, () => resolve());
    });
}

const lockOrders = { shared: 1, exclusive: 2 } as const;
/** LOCK_NB of flock(2). */
const orRefuse = 4;

function lockFile({ errno, find }: ForeignLibrary): NativeCalls["lockFile"] {
  const flock = find("int flock(int, int)");
  if (flock === undefined) return undefined;
  return (descriptor, kind) => {
    if (flock(descriptor, lockOrders[kind] | orRefuse) === 0) return "locked";
    return errno() === constants.errno.EWOULDBLOCK ? "held" : "impossible";
  };
}
