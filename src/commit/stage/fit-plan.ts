import type { Disk } from "../../disk/disk.ts";
import type { ExtendedAttributes } from "../../disk/native/native-calls.ts";
import { openFlags } from "../../disk/open-flags.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import { assert } from "../../errors.ts";
import { packedContentBytesMax } from "../../limits.ts";
import {
  type Before,
  type Change,
  type ChangeSet,
  type ModifyChange,
  namesOf,
} from "../change-set/change-set.ts";
import type { CommitStore } from "../commit-store.ts";
import type { RootLock } from "../lock/lock.ts";
import { expandMoves, type NodeAttributes, type OldTree } from "../plan/expand-moves.ts";
import { type CommitPlan, planCommit } from "../plan/plan.ts";
import { carriedAttributes } from "../tree/carry-attributes.ts";
import { Directories } from "../tree/directories.ts";
import { stateOf } from "../tree/images.ts";
import { fileSystemOf } from "../tree/mounts-below.ts";
import { makeStaging, removeStaging } from "./staging-place.ts";

/** A plan that the file system of the root can carry out. */
export interface FittedPlan {
  readonly plan: CommitPlan;
  /** The change that was asked for, of one that the plan speaks of. */
  readonly askedBy: (change: Change) => Change;
  /** Whether files may get other inodes when they are changed. */
  readonly isLayered: boolean;
  /** The extended attributes of directories that are made anew because they cannot be moved. */
  readonly attributes?: NodeAttributes;
}

/**
 * Fits a plan to a root that is the merged view of layers, as a container's is. An overlayfs
 * refuses to rename a directory that any of its lower layers holds (EXDEV, unless it was mounted
 * with `redirect_dir=on`), and parts a file of a lower layer from its other names when it is
 * written to.
 *
 * Costs nothing where no directory moves and no file with several names does or is written to;
 * elsewhere, where the root is no overlayfs, a look at the table of mounts.
 *
 * @param sequence of the operation: its staging place is used, and removed again.
 */
export function fitPlan(
  store: CommitStore,
  plan: CommitPlan,
  sequence: number,
  lock: Pick<RootLock, "hasStableInodes">,
): FittedPlan {
  const { changeSet } = plan;
  const { changes } = changeSet;
  const hasMoves = changes.some(movesDirectory);
  const mayDiffer = hasMoves || changes.some((change) => isCopiedUp(change, lock));
  const asAsked = (change: Change): Change => change;
  if (!mayDiffer || !isOverlay(store, changeSet.root)) {
    return { plan, askedBy: asAsked, isLayered: false };
  }
  const expansion = hasMoves ? expand(store, changeSet, sequence, lock) : undefined;
  if (expansion === undefined) {
    const parting = planCommit(changeSet, { partsNames: true });
    return { plan: parting, askedBy: asAsked, isLayered: true };
  }
  const { askedBy, attributes } = expansion;
  const expanded = { ...changeSet, changes: expansion.changes };
  return {
    plan: planCommit(expanded, { asked: changeSet, partsNames: true }),
    askedBy: (change) => askedBy.get(change) ?? change,
    isLayered: true,
    attributes,
  };
}

function movesDirectory(change: Change): boolean {
  return change.kind === "rename" && change.before.state.kind === "directory";
}

/** Whether a commit copies a file up that may not stay the same inode, and has to recognise it. */
function isCopiedUp(change: Change, lock: Pick<RootLock, "hasStableInodes">): boolean {
  if (change.kind === "create") return false;
  const isAnother = (before: Before): boolean => namesOf(before) > 1 || !lock.hasStableInodes;
  const { before } = change;
  const isKept = change.kind === "rename" || (change.kind === "modify" && writesInto(change));
  if ((isKept || isLarge(before)) && isAnother(before)) return true;
  const replaced = change.kind === "rename" ? change.replaced : undefined;
  return replaced !== undefined && isLarge(replaced) && isAnother(replaced);
}

function writesInto({ aspects, before }: ModifyChange): boolean {
  return aspects.includes("content") && namesOf(before) > 1;
}

/** What no pack holds is kept by one more name, before it loses its own. */
function isLarge({ state }: Before): boolean {
  return state.kind === "file" && state.size > packedContentBytesMax;
}

/** The kernel's, and what does the same as a process. */
const layeredTypes: ReadonlySet<string> = new Set(["overlay", "fuse.fuse-overlayfs"]);

function isOverlay({ disk }: CommitStore, root: string): boolean {
  return layeredTypes.has(fileSystemOf(disk, root) ?? "");
}

function expand(
  store: CommitStore,
  { changes }: ChangeSet,
  sequence: number,
  { hasStableInodes }: Pick<RootLock, "hasStableInodes">,
): ReturnType<typeof expandMoves> {
  const { disk, state } = store;
  using directories = new Directories(disk, state.root);
  // Nothing is renamed over a directory that is not empty; but what cannot be renamed at all is
  // refused for another reason: so the kernel is asked, and nothing happens.
  const taken = absoluteOf(state.root, makeStaging(disk, state, sequence, true));
  try {
    disk.close(disk.open(`${taken}/full`, openFlags.createNew, 0o600));
    return expandMoves(changes, new LayeredTree(disk, directories, taken, hasStableInodes));
  } finally {
    removeStaging(disk, state, sequence);
  }
}

class LayeredTree implements OldTree {
  readonly #disk: Disk;
  readonly #directories: Directories;
  readonly #taken: string;
  readonly #hasStableInodes: boolean;

  constructor(disk: Disk, directories: Directories, taken: string, hasStableInodes: boolean) {
    this.#disk = disk;
    this.#directories = directories;
    this.#taken = taken;
    this.#hasStableInodes = hasStableInodes;
  }

  isMovable(place: TreePath): boolean {
    // What is no directory any more is found to be a conflict when it is examined.
    if (this.#directories.find(place)?.kind !== "directory") return true;
    // Recovery knows a directory that has moved by its inode.
    return this.#hasStableInodes && !this.#isRefused(this.#directories.locate(place));
  }

  attributesOf(place: TreePath): ExtendedAttributes | undefined {
    return carriedAttributes(this.#disk, this.#directories.locate(place));
  }

  #isRefused(place: string): boolean {
    try {
      this.#disk.rename(place, this.#taken);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EXDEV";
    }
    this.#disk.rename(this.#taken, place);
    assert(false, "no directory is renamed over one that is not empty");
  }

  childrenOf(place: TreePath): { readonly name: string; readonly before: Before | undefined }[] {
    const directory = this.#directories.locate(`${place}/.`);
    return this.#disk.readdir(directory).map(({ name }) => {
      return { name, before: this.#beforeOf(`${directory}/${name}`) };
    });
  }

  #beforeOf(place: string): Before | undefined {
    const stamp = this.#disk.lstat(place);
    if (stamp === undefined) return undefined;
    const target = stamp.kind === "symlink" ? this.#disk.readlink(place) : undefined;
    const state = stateOf(stamp, target);
    return state && { state, stamp };
  }
}
