import type { Disk } from "../disk/disk.ts";
import type { NodeImage } from "./step.ts";

/**
 * Who this process is, as far as new files are concerned; `-1` where the system has no such ids.
 */
export interface Creator {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits that the kernel takes from a new file. */
  readonly umask: number;
}

export function currentCreator(): Creator {
  return {
    uid: process.geteuid?.() ?? -1,
    gid: process.getegid?.() ?? -1,
    // Worker threads may not set the mask; reading it without an argument is allowed everywhere.
    umask: process.umask(),
  };
}

/** Whether a node that this process makes belongs to somebody else than the image says. */
export function needsOwner(creator: Creator, image: NodeImage): boolean {
  return creator.uid >= 0 && (image.uid !== creator.uid || image.gid !== creator.gid);
}

/**
 * Gives a node the owner of its image as far as that is ours to give, which may be the group alone;
 * for the rest it keeps its maker's.
 *
 * @returns the mode that it may have then: a program must not run with the rights of somebody else
 *   than it was meant to.
 */
export function giveOwner(disk: Disk, place: string, image: NodeImage): number {
  if (isGiven(disk, place, image.uid, image.gid)) return image.mode;
  isGiven(disk, place, unchanged, image.gid);
  const stamp = disk.lstat(place);
  const isProgram = image.kind === "file";
  let { mode } = image;
  if (isProgram && stamp?.uid !== image.uid) mode &= ~setUserId;
  if (isProgram && stamp?.gid !== image.gid) mode &= ~setGroupId;
  return mode;
}

/** What chown takes for an id that stays. */
const unchanged = -1;
const setUserId = 0o4000;
const setGroupId = 0o2000;

function isGiven(disk: Disk, place: string, uid: number, gid: number): boolean {
  try {
    disk.lchown(place, uid, gid);
    return true;
  } catch (error) {
    if (!isNotPermitted(error)) throw error;
    return false;
  }
}

/** Whether an error says that ownership is not ours to give. */
function isNotPermitted(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "EPERM" || code === "EINVAL" || code === "ENOSYS" || code === "ENOTSUP";
}
