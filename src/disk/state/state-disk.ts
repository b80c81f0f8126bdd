import fs from "node:fs";
import { NodeDisk } from "../node/node-disk.ts";
import { openFlags } from "../open-flags.ts";
import { ClosedStateDisk } from "./closed-state-disk.ts";
import type { StateDirectory } from "./state-directory.ts";
import { strangerOf } from "./state-trust.ts";
import { isTrustedOwner } from "./trusted-owner.ts";

/** Whom the superuser trusts. */
export interface Trust {
  /** The owner of the state directory, whoever that is. False by default. */
  readonly trustsOwner?: boolean;
}

/**
 * The real disk as somebody uses it who is about to change a root. Where that is the superuser, and
 * the state directory, or the tree that it is made in, belongs to somebody else whom we trust, what
 * is made in it is given to them: else one `sudo draftfs` would close their own history to them.
 * Nothing is written to the state directory of somebody whom we do not trust.
 */
export function diskOf(state: StateDirectory, { trustsOwner = false }: Trust = {}): NodeDisk {
  const disk = new NodeDisk();
  if (process.geteuid?.() !== 0) return disk;
  const found = disk.lstat(state.path);
  const stranger = trustsOwner ? undefined : strangerOf(state.path, found);
  if (stranger !== undefined) return new ClosedStateDisk(state, stranger);
  const owner = found ?? disk.lstat(state.root);
  if (owner === undefined || owner.uid === 0) return disk;
  // What is made in a tree of somebody else is root's own.
  return trustsOwner || isTrustedOwner(owner.uid) ? new GivingDisk(state, owner) : disk;
}

/** Whether nothing can be written to the state directory, for want of trust in its owner. */
export function isStateClosed(disk: NodeDisk): boolean {
  return disk instanceof ClosedStateDisk;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

class GivingDisk extends NodeDisk {
  readonly #state: StateDirectory;
  readonly #owner: Owner;

  constructor(state: StateDirectory, owner: Owner) {
    super();
    this.#state = state;
    this.#owner = owner;
  }

  override open(path: string, flags: number, mode?: number): number {
    const descriptor = super.open(path, flags, mode);
    // Staged files become files of the tree, and have the owner that the commit says.
    const isStaged = path.startsWith(`${this.#state.staging}/`);
    const isMade = (flags & fs.constants.O_CREAT) !== 0 && path.startsWith(`${this.#state.path}/`);
    if (isMade && !isStaged) this.#give(descriptor);
    return descriptor;
  }

  override mkdir(path: string, mode: number): void {
    super.mkdir(path, mode);
    if (path !== this.#state.path && !path.startsWith(`${this.#state.path}/`)) return;
    const descriptor = super.open(path, openFlags.readDirectory);
    try {
      this.#give(descriptor);
    } finally {
      this.close(descriptor);
    }
  }

  /** By descriptor, and nothing that has another name: that may be a file of somebody else. */
  #give(descriptor: number): void {
    const stats = fs.fstatSync(descriptor);
    if (stats.uid !== 0 || (stats.isFile() && stats.nlink > 1)) return;
    fs.fchownSync(descriptor, this.#owner.uid, this.#owner.gid);
  }
}
