import fs from "node:fs";
import { isAbsence } from "../error-codes.ts";
import { encodePath } from "../names.ts";
import type { DirectoryMark } from "../native/directory-marks.ts";
import { isUnspeakable } from "../native/foreign-library.ts";
import { type NativeCalls, nativeCalls } from "../native/native-calls.ts";
import { openFlags } from "../open-flags.ts";
import { absoluteOf } from "../tree-path.ts";

/** Names of a directory that had none of a run of names: looks before it is listed. */
const missesBeforeListing = 64;
/** Listing takes 11 ns for each byte that the kernel says, and saves up to 2 µs for each look. */
const listedBytesPerMiss = 64;
/** A further listing, where one did not help, waits for so many times as many looks. */
const furtherMisses = 4;
/** What a look at the directory saves of a look for the name, in microseconds. */
const lookSavingUs = 1;
/** How long what was learned takes memory after the first listing, in ms. */
const keptMs = 100;
/** Directories that are known at a time. */
const directoriesMax = 64;
/**
 * How old the last change of a directory must be, in ms, so that a further one shows in its ctime:
 * the kernel stamps by a clock that moves on every 1 to 10 ms.
 */
const settledMs = 20;
/**
 * File systems of this kernel alone that give a directory a new ctime before a name shows in it or
 * goes, as their numbers in statfs(2): ext, XFS, Btrfs, tmpfs, overlayfs.
 */
const certainTypes: ReadonlySet<number> = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630],
]);

// Taken at load: a test that fakes the clocks does not fake that of the kernel, and counts its own
// timers only.
const systemNow = Date.now;
const startTimer = setTimeout;
const stopTimer = clearTimeout;

interface Listing {
  readonly path: string;
  readonly names: ReadonlySet<string>;
  readonly mark: DirectoryMark;
}

/**
 * Tells that a directory of the disk has no such name, where many new names are made in it: it is
 * listed once, and a look at its ctime tells with each name whether the list still holds. All of a
 * write takes a fifth to a quarter less then (`docs/benchmarks.md`).
 *
 * That look goes by the whole path (1.5 µs): one at a directory that is held open would take half
 * of it, but would not notice that another root has taken its place or is mounted over it.
 */
export class AbsentNames {
  readonly #listings = new Map<string, Listing>();
  #recent: Listing | undefined;
  #native: NativeCalls | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Who asked when it was learned: others may not pass through the same directories. */
  #uid = -1;
  /** The directory in which names were missed last, how often, and when it is to be listed. */
  #missing = "";
  #misses = 0;
  #missesWanted = missesBeforeListing;

  /** Whether the directory at an absolute path has no such name now, as far as is known. */
  tells(directory: string, name: string, uid: number): boolean {
    if (this.#recent?.path !== directory) {
      const known = this.#listings.get(directory);
      if (known === undefined) return false;
      this.#recent = known;
    }
    const listing = this.#recent;
    if (listing.names.has(name)) return false;
    if (uid !== this.#uid) {
      this.forget();
      return false;
    }
    if (this.#native?.hasMark(directory, listing.mark) === true) return true;
    this.#listings.delete(directory);
    this.#recent = undefined;
    return false;
  }

  /** To be told of each name that a look has not found in a directory. */
  count(directory: string, uid: number): void {
    if (uid !== this.#uid) this.forget();
    this.#uid = uid;
    if (directory !== this.#missing) {
      this.#missing = directory;
      this.#misses = 0;
      this.#missesWanted = missesBeforeListing;
    }
    this.#misses += 1;
    if (this.#misses < this.#missesWanted) return;
    this.#missesWanted *= furtherMisses;
    this.#native = nativeCalls(lookSavingUs * this.#misses);
    if (this.#native === undefined) return;
    const listing = learn(this.#native, directory, this.#misses * listedBytesPerMiss);
    if (listing === undefined) return;
    if (this.#listings.size >= directoriesMax) this.forget();
    this.#listings.set(directory, listing);
    this.#timer ??= startTimer(() => this.forget(), keptMs).unref();
  }

  /** Forgets everything. */
  forget(): void {
    stopTimer(this.#timer);
    this.#timer = undefined;
    this.#listings.clear();
    this.#recent = undefined;
    this.#missing = "";
  }
}

/**
 * The names in a directory and its mark while it had them, which what lies at the path has.
 *
 * @returns `undefined` where that cannot be told, as where a directory may be passed through but
 *   not be listed, and for names that are not all ASCII or take more than `bytesMax`.
 */
function learn(native: NativeCalls, path: string, bytesMax: number): Listing | undefined {
  if (isUnspeakable(path) || !isCertain(path)) return undefined;
  const descriptor = openToList(path);
  if (descriptor === undefined) return undefined;
  try {
    const nowMs = systemNow();
    const mark = native.markOf(descriptor);
    if (mark === undefined || !isSettled(mark, nowMs)) return undefined;
    const names = native.namesIn(descriptor, bytesMax);
    if (names === undefined || !tellsCases(path, names)) return undefined;
    return native.hasMark(path, mark) ? { path, names: new Set(names), mark } : undefined;
  } finally {
    fs.closeSync(descriptor);
  }
}

function openToList(path: string): number | undefined {
  try {
    return fs.openSync(encodePath(path), openFlags.readDirectory);
  } catch {
    return undefined;
  }
}

/** Whether a look at a directory there tells of every change of its names. */
export function isCertain(directory: string): boolean {
  try {
    return certainTypes.has(fs.statfsSync(encodePath(directory)).type >>> 0);
  } catch {
    return false;
  }
}

/** Whether a change from now on has another ctime. Where there are seconds only, none has. */
export function isSettled(mark: DirectoryMark, nowMs: number): boolean {
  if (mark.changeNanoseconds === 0 || mark.changeSecondsHigh !== 0) return false;
  const changedMs = mark.changeSeconds * 1000 + mark.changeNanoseconds / 1_000_000;
  return nowMs - changedMs > settledMs;
}

/**
 * Whether a directory takes names for different that differ in the case of their letters: ext4,
 * F2FS and tmpfs know directories (`chattr +F`) that do not.
 */
function tellsCases(directory: string, names: readonly string[]): boolean {
  if (names.length === 0) return true;
  const known = new Set(names);
  for (const name of names) {
    const other = otherCaseOf(name);
    if (other === name) continue;
    if (known.has(other)) return true;
    try {
      fs.lstatSync(absoluteOf(directory, other));
      return false;
    } catch (error) {
      return isAbsence(error);
    }
  }
  return false;
}

function otherCaseOf(name: string): string {
  return name.replace(/[a-z]/gi, (letter) => {
    const lower = letter.toLowerCase();
    return letter === lower ? letter.toUpperCase() : lower;
  });
}
