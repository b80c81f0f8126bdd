import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Disk } from "../disk/disk.ts";
import { identifyProcess, isGone, type ProcessIdentity } from "../disk/process-identity.ts";
import { isUntouched, type Stamp } from "../disk/stamp.ts";
import { type StateDirectory, withoutOwnRights } from "../disk/state-directory.ts";
import { DraftError } from "../errors.ts";
import { lockWaitMs } from "../limits.ts";
import { claimName, holderFileOf, removeName, removeQuietly, replaceName } from "./lock-names.ts";
import { usingState } from "./state-access.ts";

/** How long between two looks at a lock that somebody holds. */
const pollMsMin = 2;
const pollMsMax = 50;

interface Holder extends ProcessIdentity {
  /** Random; identifies one taking of the lock. */
  readonly token: string;
}

export interface LockOptions {
  /** How long to wait for another committer, in milliseconds. 10 s by default. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * The right to change a root: one holder at a time, across processes.
 *
 * The lock is a file that says who holds it, put in place whole (see `LockName`), which fails where
 * there is one already. A holder that died is replaced without the race that lock files are known
 * for (two waiters judge it dead, one takes the lock, the other removes the lock just taken):
 *
 * - To replace the dead holder with token T, a waiter must first take the name `lock.T`, by the
 *   same exclusive step. There is only one such name, and T never comes back.
 * - Holding `lock.T`, it checks that the lock is still T's and renames `lock.T` over it.
 * - If it dies in between, `lock.T` is itself a lock with a dead holder, and replaced the same way.
 *
 * A live holder is never robbed: its process is looked up with its start time and boot.
 */
export class RootLock implements Disposable {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #token: string;
  /** The lock file as it was taken; `undefined` where the disk did not tell. */
  readonly #stamp: Stamp | undefined;
  #directoryDevice: bigint | undefined;
  #isHeld = true;

  private constructor(disk: Disk, path: string, token: string) {
    this.#disk = disk;
    this.#path = path;
    this.#token = token;
    this.#stamp = lookQuietly(disk, path);
  }

  /**
   * Takes the lock of a root, waiting for another committer to finish.
   *
   * @throws {DraftError} `DRAFT_LOCKED` when it does not in time, `DRAFT_ABORTED` on the signal,
   *   `DRAFT_STATE_UNUSABLE` when there can be no lock.
   */
  static async take(
    disk: Disk,
    state: StateDirectory,
    options: LockOptions = {},
  ): Promise<RootLock> {
    const waitMs = options.waitMs ?? lockWaitMs;
    const self: Holder = { ...identifyProcess(disk), token: randomBytes(9).toString("hex") };
    const started = performance.now();
    for (let pollMs = pollMsMin; ; pollMs = Math.min(pollMs * 2, pollMsMax)) {
      const take = (): Holder | undefined => takeName(disk, state.lock, self, state.lock);
      const holder = usingState(state, "write to", () => orAbandon(self, take));
      if (holder === undefined) return checked(new RootLock(disk, state.lock, self.token), state);
      if (options.signal?.aborted) throw aborted(state);
      if (performance.now() - started > waitMs) throw locked(state, holder, waitMs);
      await delay(pollMs);
    }
  }

  /** Whether its owner may read and write what is made now, as the umask has it. */
  get isUsable(): boolean {
    return this.#stamp === undefined || (this.#stamp.mode & 0o600) === 0o600;
  }

  /**
   * Whether directories keep their inode numbers. An overlayfs of layers on several file systems
   * makes numbers up for directories (without `xino`); then its files have other devices than they.
   */
  get hasStableInodes(): boolean {
    if (this.#stamp === undefined) return true;
    this.#directoryDevice ??= this.#disk.lstat(dirname(this.#path))?.dev;
    return this.#directoryDevice === this.#stamp.dev;
  }

  /** Gives the lock back; does nothing the second time. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    try {
      // Somebody may have removed it by hand, and somebody else have taken it since.
      if (this.#isOwn()) removeName(this.#disk, this.#path, this.#token);
    } catch {
      // What was done under the lock is done. The file stays, but it is known to hold nobody back.
      abandoned.add(this.#token);
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** By a look where that tells: it is to be given back also when no file can be opened. */
  #isOwn(): boolean {
    const now = this.#disk.lstat(this.#path);
    if (now === undefined) return false;
    if (this.#stamp !== undefined && isUntouched(now, this.#stamp)) return true;
    return readHolder(this.#disk, this.#path)?.token === this.#token;
  }
}

function checked(lock: RootLock, state: StateDirectory): RootLock {
  if (lock.isUsable) return lock;
  lock.release();
  throw withoutOwnRights(state.path);
}

/** Tokens of locks that this process could not remove. */
const abandoned = new Set<string>();

/** Whatever an attempt that failed has left of a lock holds nobody back. */
function orAbandon<Result>(self: Holder, attempt: () => Result): Result {
  try {
    return attempt();
  } catch (error) {
    abandoned.add(self.token);
    throw error;
  }
}

function lookQuietly(disk: Disk, path: string): Stamp | undefined {
  try {
    return disk.lstat(path);
  } catch {
    return undefined;
  }
}

/** Takes a name for `self`; returns the live holder when there is one. */
function takeName(disk: Disk, path: string, self: Holder, lock: string): Holder | undefined {
  if (claim(disk, path, self, lock)) return undefined;
  const holder = readHolder(disk, path);
  if (holder === undefined) {
    // Given back meanwhile: the next look takes it.
    return self;
  }
  const isDead = isTorn(holder) || abandoned.has(holder.token);
  if (!isDead && !isGone(disk, holder, self)) return holder;
  const right = `${lock}.${holder.token}`;
  const rival = takeName(disk, right, self, lock);
  if (rival !== undefined) return rival;
  if (readHolder(disk, path)?.token !== holder.token) {
    // Somebody was faster, and done with it: the right was to a holder that is no more.
    removeName(disk, right, self.token);
    return self;
  }
  try {
    if (replaceName(disk, right, path)) return undefined;
  } catch (error) {
    removeQuietly(disk, right, self.token);
    throw error;
  }
  removeQuietly(disk, right, self.token);
  return self;
}

/**
 * Removes, beside a lock, what processes have left that died in the very moment of taking it. What
 * says of no process whose it is may be one that is being written.
 */
export function sweepClaims(disk: Disk, directory: string): void {
  for (const { name } of disk.readdir(directory)) {
    const path = `${directory}/${name}`;
    if (!/^lock\.\w+\.new$/.test(name)) continue;
    const holder = readHolder(disk, path);
    if (holder !== undefined && isGone(disk, holder, identifyProcess(disk))) {
      removeQuietly(disk, path, holder.token);
    }
  }
}

/** Takes a name unless somebody has it. */
function claim(disk: Disk, path: string, self: Holder, lock: string): boolean {
  const { token } = self;
  const content = Buffer.from(`${JSON.stringify(self)}\n`);
  return claimName(disk, { path, token, draft: `${lock}.${token}.new` }, content);
}

function readHolder(disk: Disk, path: string): Holder | undefined {
  const file = holderFileOf(disk, path);
  if (file === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(disk.readFile(file).toString("utf8"));
    return isHolder(parsed) ? parsed : unknownHolder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    const torn = disk.lstat(file);
    return torn && tornHolder(torn.ino);
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  const { pid, token } = value as Partial<Holder>;
  // The token becomes part of a name.
  return Number.isSafeInteger(pid) && typeof token === "string" && /^\w+$/.test(token);
}

/** A lock that we did not write: its holder cannot be judged. */
const unknownHolder: Holder = {
  pid: 0,
  startTime: "",
  bootId: "",
  pidNamespace: "",
  host: "",
  token: "unknown",
};

/**
 * A lock file is linked in place whole, so an empty one was whole before the power went: its holder
 * died with the boot before this one. The right to a torn lock may be torn by another power cut, so
 * each torn file has a name of its own.
 */
function tornHolder(ino: bigint): Holder {
  return { ...unknownHolder, token: `torn_${ino}` };
}

function isTorn({ token }: Holder): boolean {
  return token.startsWith("torn_");
}

function locked(state: StateDirectory, holder: Holder, waitMs: number): DraftError {
  const who = holder.pid === 0 ? "somebody unknown" : `process ${holder.pid} on ${holder.host}`;
  return new DraftError(
    "DRAFT_LOCKED",
    `Cannot change ${state.root}: ${who} has been committing for ${Math.round(waitMs)} ms. ` +
      `Try again later. If that process is gone for certain, remove ${state.lock}.`,
    { path: state.lock, details: { pid: holder.pid, host: holder.host } },
  );
}

function aborted(state: StateDirectory): DraftError {
  return new DraftError(
    "DRAFT_ABORTED",
    `Stopped waiting for the lock of ${state.root}: the caller gave up. Nothing was touched.`,
    { path: state.lock },
  );
}
