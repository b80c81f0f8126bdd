import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import type { Stamp } from "../../disk/stamp.ts";
import { isSystemError } from "../failure.ts";

/** What a file system without hard links (FAT, some of FUSE and of the network) says to link(2). */
export const linklessCodes: ReadonlySet<string> = new Set([
  "EPERM",
  "ENOTSUP",
  "EOPNOTSUPP",
  "ENOSYS",
  "EMLINK",
]);

/** What rename(2) says where a directory is to take a name that is taken. */
const takenCodes: ReadonlySet<string> = new Set(["EEXIST", "ENOTEMPTY", "ENOTDIR"]);

/** What unlink(2) says of a directory; the second is POSIX's word. */
const directoryCodes: ReadonlySet<string> = new Set(["EISDIR", "EPERM"]);

/**
 * A name that one process has at a time: taken whole or not at all.
 *
 * It is a file that is linked in place, which fails where something lies. Where there are no links
 * it is a directory with that file in it, called like the taker's token, that is renamed in place:
 * rename(2) puts a directory in the place of an empty one or of none, and of nothing else. So an
 * empty directory is a name that nobody has, and whoever dies while giving his back has given it
 * back. What is in a directory is removed by its own name alone, so that nobody removes another's.
 */
export interface LockName {
  readonly path: string;
  /** Random, of one taking of it. */
  readonly token: string;
  /** A path beside it that is nobody else's. */
  readonly draft: string;
  /** What says who has it. */
  readonly content: Uint8Array;
  /** Locks its file before anybody else can find it; `undefined` where that cannot be. */
  readonly keep: (descriptor: number) => KeptFile | undefined;
  /** Whether a file that is kept open keeps its draft for a second name, once the name is had. */
  readonly keepsDraft: boolean;
}

/** A file that stays open, and locked in the kernel, as long as its name is had. */
export interface KeptFile {
  readonly descriptor: number;
  readonly stamp: Stamp;
  /** What is then to be written instead. */
  readonly content: Uint8Array;
}

/** A name that was free. */
export interface ClaimedName {
  readonly kept: KeptFile | undefined;
}

/** Takes a name unless it is taken. */
export function claimName(disk: Disk, name: LockName): ClaimedName | undefined {
  if (isTaken(disk, name.path)) return undefined;
  try {
    return { kept: retaking(() => claimByLink(disk, name)) };
  } catch (error) {
    if (codeOf(error) === "EEXIST") return undefined;
    if (!linklessCodes.has(codeOf(error))) throw error;
  }
  try {
    retaking(() => claimByDirectory(disk, name));
    return { kept: undefined };
  } catch (error) {
    removeQuietly(disk, name.draft, name.token);
    if (takenCodes.has(codeOf(error))) return undefined;
    throw error;
  }
}

/** The file that says who has a name; `undefined` where nobody has it. */
export function holderFileOf(disk: Disk, path: string): string | undefined {
  const kind = disk.lstat(path)?.kind;
  if (kind !== "directory") return kind === undefined ? undefined : path;
  const [inside] = namesIn(disk, path);
  return inside && `${path}/${inside}`;
}

/** Gives a name back. */
export function removeName(disk: Disk, path: string, token: string): void {
  try {
    disk.unlink(path);
    return;
  } catch (error) {
    if (!directoryCodes.has(codeOf(error))) throw error;
  }
  disk.unlink(`${path}/${token}`);
  try {
    disk.rmdir(path);
  } catch (error) {
    // Somebody has taken it since; and an empty one is nobody's.
    if (!isSystemError(error)) throw error;
  }
}

/** {@link removeName} for a name that is of no use, and in nobody's way should it stay. */
export function removeQuietly(disk: Disk, path: string, token: string): void {
  try {
    removeName(disk, path, token);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/**
 * Puts one name in the place of another one, whose holder is dead, for the only one who may.
 *
 * @returns whether it was done: where that takes two steps, somebody may have been faster.
 */
export function replaceName(disk: Disk, right: string, path: string): boolean {
  const [own, dead] = [right, path].map((name) => disk.lstat(name)?.kind === "directory");
  if (!own && !dead) {
    disk.rename(right, path);
    return true;
  }
  const holder = holderFileOf(disk, path);
  if (holder !== undefined) disk.unlink(holder);
  try {
    if (own) disk.rename(right, path);
    else {
      // The file system has links now, or is another one.
      disk.rmdir(path);
      disk.link(right, path);
      disk.unlink(right);
    }
    return true;
  } catch (error) {
    if (takenCodes.has(codeOf(error))) return false;
    throw error;
  }
}

function isTaken(disk: Disk, path: string): boolean {
  const kind = disk.lstat(path)?.kind;
  return kind === "directory" ? namesIn(disk, path).length > 0 : kind !== undefined;
}

/** None where the directory has been given back, or replaced, in this very moment. */
function namesIn(disk: Disk, path: string): string[] {
  try {
    return disk.readdir(path).map(({ name }) => name);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** Whoever was stopped while taking a name may find his draft swept, and makes another one. */
function retaking<Result>(claim: () => Result): Result {
  try {
    return claim();
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return claim();
  }
}

function claimByLink(disk: Disk, name: LockName): KeptFile | undefined {
  const { path, draft } = name;
  let kept: KeptFile | undefined;
  let isLinked = false;
  try {
    kept = writeKept(disk, name);
    disk.link(draft, path);
    isLinked = true;
    return kept;
  } catch (error) {
    if (kept !== undefined) closeQuietly(disk, kept.descriptor);
    throw error;
  } finally {
    // The lock may be taken by now, and somebody has to give it back.
    if (!(isLinked && kept !== undefined && name.keepsDraft)) unlinkQuietly(disk, draft);
  }
}

/** Writes the draft, and keeps it open where that says something to others. */
function writeKept(disk: Disk, { draft, content, keep }: LockName): KeptFile | undefined {
  const descriptor = disk.open(draft, openFlags.createOrTruncate, 0o600);
  let kept: KeptFile | undefined;
  try {
    kept = keep(descriptor);
    disk.write(descriptor, kept?.content ?? content);
  } catch (error) {
    closeQuietly(disk, descriptor);
    throw error;
  }
  if (kept === undefined) disk.close(descriptor);
  return kept;
}

function claimByDirectory(disk: Disk, { path, token, draft, content }: LockName): void {
  disk.mkdir(draft, 0o700);
  writeFile(disk, `${draft}/${token}`, content);
  disk.rename(draft, path);
}

function unlinkQuietly(disk: Disk, path: string): void {
  try {
    disk.unlink(path);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

function writeFile(disk: Disk, path: string, content: Uint8Array): void {
  const descriptor = disk.open(path, openFlags.createOrTruncate, 0o600);
  try {
    disk.write(descriptor, content);
  } finally {
    disk.close(descriptor);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}
