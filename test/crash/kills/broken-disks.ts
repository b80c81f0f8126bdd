import fs from "node:fs";
import { type StateDirectory, stateDirectoryOf } from "../../../src/disk/state/state-directory.ts";
import { ImpatientDisk } from "../impatient-disk.ts";

/** Ways to break the protocol of a commit, each of which kills have to find. */
export const breaches = [
  /** Whoever asks for the lock has it. */
  "shared-lock",
  /** A record is in force before its pack is whole. */
  "early-record",
  /** The tree changes before a record is in force. */
  "late-record",
  /** A commit is acknowledged before it is decided. */
  "early-word",
] as const;
export type Breach = (typeof breaches)[number];

/** A disk that makes the protocol over it a broken one, where that is the disk's doing. */
export function brokenDisk(breach: Breach | undefined, root: string): ImpatientDisk {
  const state = stateDirectoryOf(root);
  switch (breach) {
    case "shared-lock":
      return new SharedLockDisk(state);
    case "early-record":
      return new EarlyRecordDisk(state);
    case "late-record":
      return new LateRecordDisk(state);
    case "early-word":
    case undefined:
      return new ImpatientDisk();
  }
}

class SharedLockDisk extends ImpatientDisk {
  readonly #state: StateDirectory;

  constructor(state: StateDirectory) {
    super();
    this.#state = state;
  }

  override link(source: string, target: string): void {
    if (target === this.#state.lock) fs.rmSync(target, { force: true });
    super.link(source, target);
  }

  /** Nor does anybody see that somebody else has it. */
  override lstat(path: string): ReturnType<ImpatientDisk["lstat"]> {
    const stamp = super.lstat(path);
    return path === this.#state.lock && !this.#isOwn() ? undefined : stamp;
  }

  #isOwn(): boolean {
    try {
      const holder: unknown = JSON.parse(fs.readFileSync(this.#state.lock, "utf8"));
      return (holder as { readonly pid: number }).pid === process.pid;
    } catch {
      return false;
    }
  }
}

class EarlyRecordDisk extends ImpatientDisk {
  readonly #state: StateDirectory;
  #pack: number | undefined;
  #held: (() => void)[] = [];

  constructor(state: StateDirectory) {
    super();
    this.#state = state;
  }

  override open(path: string, flags: number, mode?: number): number {
    const descriptor = super.open(path, flags, mode);
    const isPack = path.startsWith(this.#state.journal) && path.endsWith(".pack");
    if (isPack && (flags & fs.constants.O_CREAT) !== 0) this.#pack = descriptor;
    return descriptor;
  }

  override write(descriptor: number, bytes: Uint8Array, position?: number): void {
    if (descriptor === this.#pack) {
      const copy = Buffer.from(bytes);
      this.#held.push(() => super.write(descriptor, copy, position));
    } else super.write(descriptor, bytes, position);
  }

  override async writeInBackground(
    descriptor: number,
    bytes: Uint8Array,
    position: number,
  ): Promise<void> {
    this.write(descriptor, bytes, position);
  }

  /** When the commit is over. */
  override close(descriptor: number): void {
    if (descriptor === this.#pack) {
      for (const write of this.#held) write();
      this.#held = [];
      this.#pack = undefined;
    }
    super.close(descriptor);
  }
}

class LateRecordDisk extends ImpatientDisk {
  readonly #state: StateDirectory;
  #isHeld = false;

  constructor(state: StateDirectory) {
    super();
    this.#state = state;
  }

  override rename(source: string, target: string): void {
    if (target === this.#state.journalCurrent) this.#isHeld = true;
    else super.rename(source, target);
  }

  override unlink(path: string): void {
    if (path === this.#state.lock && this.#isHeld) {
      this.#isHeld = false;
      super.rename(this.#state.journalNext, this.#state.journalCurrent);
    }
    super.unlink(path);
  }
}
