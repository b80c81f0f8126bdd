import type { Disk } from "../../disk/disk.ts";
import type { Stamp } from "../../disk/stamp.ts";
import { packedContentBytesMax } from "../../limits.ts";
import type { Seen } from "../conflict/recheck.ts";
import { isSystemError } from "../failure.ts";
import { type Expectation, losesBytes } from "../plan/plan.ts";
import type { PlannedNodes } from "../plan/planned-nodes.ts";
import type { Directories } from "../tree/directories.ts";

/**
 * Lets an overlayfs copy files of a lower layer up before the record says which inodes they are: as
 * the commit that moves them or writes to them would, but then their numbers might change in the
 * middle, and recovery would look for the old ones. It does for files with several names, of which
 * only the one is copied, and for all where layers lie on several file systems.
 *
 * The tree shows the same as before. To give a file one more name is enough, and asks for no right
 * to write to it. To be called when everything is staged: new content may be read from a file that
 * is told from others by its inode.
 */
export class CopyUp {
  readonly #disk: Disk;
  readonly #slot: string;
  readonly #isForAll: boolean;

  /**
   * @param slot an absolute path for a name that is made and removed.
   * @param isForAll whether files with one name have to be copied up as well.
   */
  constructor(disk: Disk, slot: string, isForAll: boolean) {
    this.#disk = disk;
    this.#slot = slot;
    this.#isForAll = isForAll;
  }

  /**
   * Copies up what has to be, and tells its new inode.
   *
   * @returns what was seen, as it is from now on.
   */
  settle(directories: Directories, seen: readonly Seen[], nodes: PlannedNodes): Seen[] {
    return seen.map((each): Seen => {
      const { expectation, stamp } = each;
      if (stamp?.kind !== "file") return each;
      const isRelinked = stamp.nlink > 1;
      if (!this.#mayChange(expectation, stamp)) return { ...each, isRelinked };
      const settled = this.#copyUp(directories.locate(expectation.path));
      // What somebody has changed meanwhile stays what it was, for the look that finds it out.
      if (settled === undefined || !isAlike(settled, stamp)) return { ...each, isRelinked };
      if (expectation.before !== undefined) nodes.noteInode(expectation.before, settled);
      return { expectation, stamp: settled, isRelinked };
    });
  }

  #mayChange(expectation: Expectation, { nlink, size }: Stamp): boolean {
    if (nlink === 1 && !this.#isForAll) return false;
    // What no pack holds is kept by one more name, which copies it up as well.
    const isKeptByName = size > packedContentBytesMax && losesBytes(expectation);
    return isKeptByName || keepsNode(expectation);
  }

  #copyUp(place: string): Stamp | undefined {
    try {
      this.#disk.link(place, this.#slot);
      this.#disk.unlink(this.#slot);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      // Not everybody may link what is another's. It is known by its content then, if it is small.
      return undefined;
    }
    return this.#disk.lstat(place);
  }
}

/** Whether nothing shows of a file's having been copied up. */
function isAlike(now: Stamp, then: Stamp): boolean {
  const isSame = now.kind === then.kind && now.size === then.size && now.mtimeNs === then.mtimeNs;
  return isSame && now.mode === then.mode && now.uid === then.uid && now.gid === then.gid;
}

/** Whether the file goes on being there, elsewhere or with other bytes. */
function keepsNode(expectation: Expectation): boolean {
  const { change, path } = expectation;
  if (change.kind === "rename") return path === change.from;
  return change.kind === "modify" && change.after.sameNode === true && losesBytes(expectation);
}
