import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { identifyProcess } from "../../disk/process-identity.ts";
import { isUntouched, type Stamp } from "../../disk/stamp.ts";
import { type StateDirectory, withoutOwnRights } from "../../disk/state/state-directory.ts";
import { DraftError } from "../../errors.ts";
import { lockWaitMs } from "../../limits.ts";
import { isSystemError } from "../failure.ts";
import {
  dropIdleLockFile,
  dropLockFile,
  type IdleLockFile,
  keepIdleLockFile,
  takeIdleLockFile,
} from "./idle-lock-file.ts";
import { adviceOn, type HolderState, judgeHolder } from "./judge-holder.ts";
import { type Holder, isTorn, readHolder } from "./lock-holder.ts";
import {
  type ClaimedName,
  claimName,
  type KeptFile,
  removeName,
  removeQuietly,
  replaceName,
} from "./lock-names.ts";
import { usingState } from "./state-access.ts";
import { removeUnsigned } from "./unsigned-draft.ts";

/** How long between two looks at a lock that somebody holds. */
const pollMsMin = 2;
const pollMsMax = 50;

/**
 * How old a file beside the lock has to be that says of nobody whose it is, in milliseconds: it is
 * written as soon as it is made, and a minute is beyond what a busy machine takes for that.
 */
const unsignedMs = 60_000;

export interface LockOptions {
  /** How long to wait for another committer, in milliseconds. 10 s by default. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  /**
   * What native calls are worth to the taker, in microseconds, see `nativeCalls`; infinity by
   * default. With them the kernel can tell those in other containers when the taker has died.
   */
  readonly nativeSavingUs?: number;
  /**
   * Whether the lock file is kept when it is given back, for this process's next taking of the same
   * lock; until {@link RootLock.forget}, or the process ends.
   */
  readonly keepsFile?: boolean;
}

/** Who takes a name, and how. */
interface Taker {
  readonly disk: Disk;
  readonly self: Holder;
  /** The lock itself, of which the names are. */
  readonly lock: string;
  readonly nativeSavingUs: number;
  readonly keepsFile: boolean;
}

/** Who has a name, or had it until this moment, as far as can be told. */
interface Rival {
  readonly kind: "rival";
  readonly holder: Holder;
  readonly state: HolderState;
}

type Attempt = Rival | ({ readonly kind: "taken" } & ClaimedName);

/**
 * The right to change a root: one holder at a time, across processes.
 *
 * The lock is a file that says who holds it, put in place whole (see `LockName`), which fails where
 * there is one already. A holder that died is replaced without the race that lock files are known
 * for (two waiters judge it dead, one takes the lock, the other removes the lock just taken):
 *
 * - To replace the dead holder with token T, a waiter must first take the name `lock.T`, by the
 *   same exclusive step. There is only one such name, and T never comes back: only a live process
 *   takes the lock again with a file that it has kept.
 * - Holding `lock.T`, it checks that the lock is still T's and renames `lock.T` over it.
 * - If it dies in between, `lock.T` is itself a lock with a dead holder, and replaced the same way.
 *
 * A live holder is never robbed: its process is looked up with its start time and boot, and where
 * it is numbered elsewhere, the kernel is asked whether it still has its file locked.
 */
export class RootLock implements Disposable {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #token: string;
  /** The lock file as it was taken; `undefined` where the disk did not tell. */
  readonly #stamp: Stamp | undefined;
  readonly #kept: KeptFile | undefined;
  /** Its other name, for the next time. */
  readonly #draft: string | undefined;
  #directory: Stamp | undefined;
  #isHeld = true;

  private constructor({ disk, self, lock, keepsFile }: Taker, { kept }: ClaimedName) {
    this.#disk = disk;
    this.#path = lock;
    this.#token = self.token;
    this.#kept = kept;
    this.#draft = kept && keepsFile ? draftOf(lock, self.token) : undefined;
    this.#stamp = kept?.stamp ?? lookQuietly(disk, lock);
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
    const { nativeSavingUs = Number.POSITIVE_INFINITY, keepsFile = false } = options;
    // A file that is made says whether the umask takes from us what we make, see `isUsable`.
    const again = keepsFile && !isMasked() ? RootLock.#takeAgain(disk, state.lock) : undefined;
    if (again !== undefined) return again;
    // Not of randomUUID, which keeps random bytes in store: processes that were forked share them.
    const self: Holder = { ...identifyProcess(disk), token: randomBytes(9).toString("hex") };
    const taker: Taker = { disk, self, lock: state.lock, nativeSavingUs, keepsFile };
    const started = performance.now();
    for (let pollMs = pollMsMin; ; pollMs = Math.min(pollMs * 2, pollMsMax)) {
      const take = (): Attempt => takeName(taker, state.lock);
      const attempt = usingState(state, "write to", () => orAbandon(self, take));
      if (attempt.kind === "taken") {
        // What those have kept that were killed nobody else removes.
        if (keepsFile) sweepQuietly(disk, state.path);
        return checked(new RootLock(taker, attempt), state);
      }
      if (options.signal?.aborted) throw aborted(state);
      if (performance.now() - started > waitMs) throw locked(state, attempt, waitMs);
      await delay(pollMs);
    }
  }

  /** Takes it with the file that was kept, unless it is taken or the file is not there any more. */
  static #takeAgain(disk: Disk, lock: string): RootLock | undefined {
    const file = takeIdleLockFile(disk, lock);
    if (file === undefined) return undefined;
    const { draft, token, kept } = file;
    const self = { ...identifyProcess(disk), token };
    let isLinked = false;
    try {
      disk.link(draft, lock);
      isLinked = true;
      const taker = { disk, self, lock, nativeSavingUs: 0, keepsFile: true };
      if (isSameFile(disk.lstat(lock), kept.stamp)) return new RootLock(taker, { kept });
    } catch {
      // As if none had been kept.
    }
    if (isLinked) {
      removeQuietly(disk, lock, token);
      abandoned.add(token);
    }
    dropLockFile(file);
    return undefined;
  }

  /** Does away with what was kept of a lock: see {@link LockOptions.keepsFile}. */
  static forget(disk: Disk, state: StateDirectory): void {
    dropIdleLockFile(disk, state.lock);
  }

  /** Whether its owner may read and write what is made now, as the umask has it. */
  get isUsable(): boolean {
    return this.#stamp === undefined || (this.#stamp.mode & ownRights) === ownRights;
  }

  /**
   * Whether directories keep their inode numbers. An overlayfs of layers on several file systems
   * makes numbers up for directories (without `xino`); then its files have other devices than they.
   */
  get hasStableInodes(): boolean {
    if (this.#stamp === undefined) return true;
    return this.#lookAtDirectory()?.dev === this.#stamp.dev;
  }

  /** The inode of the directory that the lock lies in; `undefined` where it may change. */
  get directoryInode(): string | undefined {
    const inode = this.hasStableInodes ? this.#lookAtDirectory()?.ino : undefined;
    return inode === undefined ? undefined : String(inode);
  }

  #lookAtDirectory(): Stamp | undefined {
    this.#directory ??= this.#disk.lstat(dirname(this.#path));
    return this.#directory;
  }

  /** Gives the lock back; does nothing the second time. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    let isGivenBack = false;
    try {
      // Somebody may have removed it by hand, and somebody else have taken it since.
      if (this.#isOwn()) {
        removeName(this.#disk, this.#path, this.#token);
        isGivenBack = true;
      }
    } catch {
      // What was done under the lock is done. The file stays, but it is known to hold nobody back.
      abandoned.add(this.#token);
    } finally {
      // After the removal: what lies there and is not locked is a dead holder's.
      this.#letGo(isGivenBack);
    }
  }

  #letGo(isGivenBack: boolean): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    if (this.#draft === undefined) {
      closeQuietly(this.#disk, kept.descriptor);
      return;
    }
    const names = { lock: this.#path, draft: this.#draft, token: this.#token };
    const file: IdleLockFile = { disk: this.#disk, ...names, kept };
    if (isGivenBack && this.isUsable) keepIdleLockFile(file);
    else dropLockFile(file);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** By a look where that tells: it is to be given back also when no file can be opened. */
  #isOwn(): boolean {
    const now = this.#disk.lstat(this.#path);
    if (now === undefined) return false;
    // As long as it is open, no other file gets its number.
    if (this.#kept !== undefined) return isSameFile(now, this.#kept.stamp);
    if (this.#stamp !== undefined && isUntouched(now, this.#stamp)) return true;
    return readHolder(this.#disk, this.#path)?.token === this.#token;
  }
}

/** Of the owner, on what is made here. */
const ownRights = 0o600;

function isMasked(): boolean {
  return (process.umask() & ownRights) !== 0;
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

/** Takes a name, or tells who has it. */
function takeName(taker: Taker, path: string): Attempt {
  const { disk, self, lock } = taker;
  const claimed = claim(taker, path);
  if (claimed !== undefined) return { kind: "taken", ...claimed };
  // Given back meanwhile, or soon: the next look takes it.
  const again: Rival = { kind: "rival", holder: self, state: { kind: "gone" } };
  const holder = readHolder(disk, path);
  if (holder === undefined) return again;
  if (!abandoned.has(holder.token)) {
    const state = judgeHolder(disk, path, holder, self);
    if (state.kind !== "gone") return { kind: "rival", holder, state };
  }
  const right = `${lock}.${holder.token}`;
  const attempt = takeName(taker, right);
  if (attempt.kind === "rival") return attempt;
  let isReplaced = false;
  try {
    // Else somebody was faster, and done with it: the right was to a holder that is no more.
    isReplaced = readHolder(disk, path)?.token === holder.token && replaceName(disk, right, path);
    return isReplaced ? attempt : again;
  } finally {
    if (!isReplaced) giveUp(taker, right, attempt);
  }
}

function giveUp({ disk, self, lock, keepsFile }: Taker, right: string, claimed: ClaimedName): void {
  removeQuietly(disk, right, self.token);
  if (claimed.kept === undefined) return;
  if (keepsFile) removeQuietly(disk, draftOf(lock, self.token), self.token);
  closeQuietly(disk, claimed.kept.descriptor);
}

function isSameFile(found: Stamp | undefined, { dev, ino }: Stamp): boolean {
  return found?.dev === dev && found.ino === ino;
}

/** What a lock file is called as long as it is not in place; nobody else's. */
function draftOf(lock: string, token: string): string {
  return `${lock}.${token}.new`;
}

function sweepQuietly(disk: Disk, directory: string): void {
  try {
    sweepClaims(disk, directory, true);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}

/**
 * Removes, beside a lock, what processes have left that died in the very moment of taking it, or
 * while they kept its file. What says of no process whose it is may be one that is being written,
 * and goes when it is old.
 *
 * @param isHeld - whether the caller has the lock. Then rights to replace a dead holder (`lock.T`)
 *   are swept too: T has been replaced, so whoever still takes one finds that it is of no use.
 *   While nobody has the lock, two could come to have the same right.
 */
export function sweepClaims(disk: Disk, directory: string, isHeld: boolean): void {
  for (const { name } of disk.readdir(directory)) {
    const path = `${directory}/${name}`;
    if (!(isHeld ? /^lock\.\w+(\.new)?$/ : /^lock\.\w+\.new$/).test(name)) continue;
    const holder = readHolder(disk, path);
    if (holder === undefined || isTorn(holder)) {
      if (isHeld && name.endsWith(".new")) removeUnsigned(disk, path, unsignedMs);
      continue;
    }
    if (judgeHolder(disk, path, holder, identifyProcess(disk)).kind === "gone") {
      removeQuietly(disk, path, holder.token);
    }
  }
}

/** Takes a name unless somebody has it. */
function claim(taker: Taker, path: string): ClaimedName | undefined {
  const { disk, self, lock, nativeSavingUs, keepsFile } = taker;
  const draft = draftOf(lock, self.token);
  // Loading what it takes is long, and a draft that says nothing yet would stay if we were killed.
  const locks = disk.kernelLocks?.(nativeSavingUs);
  const keep = (descriptor: number): KeptFile | undefined => {
    if (locks === undefined) return undefined;
    const stamp = disk.fstat(descriptor);
    const kernelLock = locks.hold({ path: draft, descriptor, stamp });
    if (kernelLock === undefined) return undefined;
    return { descriptor, stamp, content: contentOf({ ...self, kernelLock }) };
  };
  const { token } = self;
  const content = contentOf(self);
  return claimName(disk, { path, token, draft, content, keep, keepsDraft: keepsFile });
}

function contentOf(holder: Holder): Buffer {
  return Buffer.from(`${JSON.stringify(holder)}\n`);
}

function locked(
  state: StateDirectory,
  { holder, state: known }: Rival,
  waitMs: number,
): DraftError {
  const who = holder.pid === 0 ? "somebody unknown" : `process ${holder.pid} on ${holder.host}`;
  const waited = `${Math.round(waitMs)} ms`;
  const advice = adviceOn(known, state.lock);
  return new DraftError(
    "DRAFT_LOCKED",
    `Cannot change ${state.root}: ${who} has been committing for ${waited}. ${advice}`,
    { path: state.lock, details: { pid: holder.pid, host: holder.host, advice } },
  );
}

function aborted(state: StateDirectory): DraftError {
  return new DraftError(
    "DRAFT_ABORTED",
    `Stopped waiting for the lock of ${state.root}: the caller gave up. Nothing was touched.`,
    { path: state.lock },
  );
}
