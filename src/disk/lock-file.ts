import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import type { Disk } from "./disk.ts";
import { mayBeAlive, ownIdentity, type ProcessIdentity } from "./process-identity.ts";

/**
 * A lock that one process at a time can have: a file that names its holder.
 *
 *  1. It is created by `link` from a complete file, so that nobody ever reads half of a holder.
 *  2. It is taken from a holder that has died, never from one that may be alive.
 *  3. Two that take the same dead holder's lock at once: `rename` gives the dead file to one of
 *     them only. The other may have displaced the winner's fresh lock instead; it sees so by what
 *     the file says, and puts it back. (Not by the inode: its number is reused at once.)
 *  4. {@link HeldLock.isHeld} lets the holder look again before it relies on the lock.
 */
export interface HeldLock {
  /** Whether the lock file is still the one that this process made. */
  isHeld(): boolean;
  /** Gives the lock back. */
  release(): void;
}

/** Who has a lock that could not be had. */
export interface LockHolder {
  readonly identity: ProcessIdentity | undefined;
}

/** Takes the lock at `path`, or tells who has it. Does not wait. */
export function takeLock(disk: Disk, path: string): HeldLock | LockHolder {
  const token = randomUUID();
  const own = `${path}.${token}`;
  const text = `${JSON.stringify({ ...ownIdentity(), token })}\n`;
  writeNew(disk, own, text);
  try {
    for (let attempt = 0; attempt < takeoversMax; attempt++) {
      if (tryLink(disk, own, path)) return heldLock(disk, path, text);
      const found = readText(disk, path);
      if (found === undefined) continue;
      const identity = identityIn(found);
      if (identity === undefined || mayBeAlive(identity)) return { identity };
      removeDead(disk, path, found);
    }
    return { identity: identityIn(readText(disk, path) ?? "") };
  } finally {
    unlinkIfThere(disk, own);
  }
}

/** Whether a name is one that {@link takeLock} leaves beside `path` when its process is killed. */
export function isLockDebris(name: string, lockName: string): boolean {
  return name.startsWith(`${lockName}.`) && /^[0-9a-f-]{36}$/.test(name.slice(lockName.length + 1));
}

/** Dead locks in a row that are removed before giving up; each takes another process dying. */
const takeoversMax = 8;

function heldLock(disk: Disk, path: string, text: string): HeldLock {
  const isHeld = (): boolean => readText(disk, path) === text;
  return {
    isHeld,
    release: () => {
      if (isHeld()) disk.unlink(path);
    },
  };
}

function removeDead(disk: Disk, path: string, text: string): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    disk.rename(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  if (readText(disk, aside) !== text) tryLink(disk, aside, path);
  unlinkIfThere(disk, aside);
}

/** Whoever has the lock may sweep debris, and cannot tell it from what is in use. */
function unlinkIfThere(disk: Disk, path: string): void {
  try {
    disk.unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function tryLink(disk: Disk, source: string, target: string): boolean {
  try {
    disk.link(source, target);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function writeNew(disk: Disk, path: string, text: string): void {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const descriptor = disk.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  try {
    disk.write(descriptor, Buffer.from(text));
  } finally {
    disk.close(descriptor);
  }
}

function readText(disk: Disk, path: string): string | undefined {
  try {
    return disk.readFile(path).toString("utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** `undefined` when the text is none of ours: then the holder cannot be known to be dead. */
function identityIn(text: string): ProcessIdentity | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProcessIdentity>;
    const { pid, start, boot, namespace, host } = value;
    if (typeof pid !== "number" || typeof start !== "string" || typeof boot !== "string") {
      return undefined;
    }
    if (typeof namespace !== "string" || typeof host !== "string") return undefined;
    return { pid, start, boot, namespace, host };
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
