import { clearDefaultAccess } from "../../disk/access-list.ts";
import type { Disk } from "../../disk/disk.ts";
import { type StateDirectory, stateDirectoryName } from "../../disk/state/state-directory.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";

/** Where the operation with this sequence number stages its files, relative to the root. */
export function stagingOf(sequence: number): TreePath {
  return `${stateDirectoryName}/staging/commit-${sequence}`;
}

/** The staging place of an operation, made once, when it is needed. */
export class StagingPlace {
  readonly path: TreePath;
  readonly #make: () => void;
  #isMade = false;

  /** @param isFilled see {@link makeStaging}. */
  constructor(disk: Disk, state: StateDirectory, sequence: number, isFilled: boolean) {
    this.path = stagingOf(sequence);
    this.#make = () => makeStaging(disk, state, sequence, isFilled);
  }

  make(): void {
    if (this.#isMade) return;
    this.#isMade = true;
    this.#make();
  }
}

/**
 * Creates the staging place of an operation, empty: what a dead one left there is removed.
 *
 * @param isFilled whether anything is going to be made in it.
 */
export function makeStaging(
  disk: Disk,
  state: StateDirectory,
  sequence: number,
  isFilled: boolean,
): TreePath {
  const staging = stagingOf(sequence);
  const place = absoluteOf(state.root, staging);
  try {
    disk.mkdir(place, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    removeFlat(disk, place);
    disk.mkdir(place, 0o700);
  }
  // A directory inherits setgid from its parent; files staged in it would change their group.
  disk.chmod(place, 0o700);
  // As with the access list that a directory gives to all that is made in it.
  if (isFilled) clearDefaultAccess(disk, place);
  return staging;
}

/**
 * Removes a staging place with all that is in it. Only the holder of the root's lock may: the place
 * of a live operation is never another's to remove.
 */
export function removeStaging(disk: Disk, state: StateDirectory, sequence: number): void {
  removeFlat(disk, absoluteOf(state.root, stagingOf(sequence)));
}

/**
 * Staging places of operations other than `keep`, left by commits that died before their record.
 */
export function sweepStaging(disk: Disk, state: StateDirectory, keep: number): void {
  // A power cut during the creation of the state directory can have kept any part of it.
  if (disk.lstat(state.staging) === undefined) return;
  for (const entry of disk.readdir(state.staging)) {
    const match = /^commit-(\d+)$/.exec(entry.name);
    if (match === null || Number(match[1]) === keep) continue;
    removeStaging(disk, state, Number(match[1]));
  }
}

function removeFlat(disk: Disk, place: string): void {
  // Mostly it is gone long since, which a look tells for less than an error costs.
  if (disk.lstat(place) === undefined || isRemoved(disk, place)) return;
  for (const entry of disk.readdir(place)) {
    const path = `${place}/${entry.name}`;
    // A directory here is one that was parked and never went on: not ours to destroy.
    if (entry.kind === "directory") return;
    disk.unlink(path);
  }
  disk.rmdir(place);
}

/** Whether the directory is gone: mostly everything in it has been put in place. */
function isRemoved(disk: Disk, place: string): boolean {
  try {
    disk.rmdir(place);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "ENOTEMPTY" || code === "EEXIST") return false;
    throw error;
  }
}
