import type { Disk } from "../../disk/disk.ts";
import type { NodeImage } from "../plan/step.ts";

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

/** What a node has got of the owner and mode that it was to have. */
export interface Given {
  readonly mode: number | undefined;
  /** What it did not get, to be read after its path; `undefined` where it has all. */
  readonly loss: string | undefined;
}

/**
 * Gives a node the owner of its image as far as that is ours to give, which may be the group alone;
 * for the rest it keeps its maker's. A program must not run with the rights of somebody else than
 * it was meant to, so setuid and setgid go with an owner and group that it does not get.
 *
 * @param wish.owner whether the owner is to be given at all.
 * @param wish.mode the mode to set; none where it is missing.
 */
export function giveAttributes(
  disk: Disk,
  place: string,
  image: NodeImage,
  wish: { readonly owner: boolean; readonly mode?: number | undefined },
): Given {
  const losses: string[] = [];
  let { mode } = wish;
  if (wish.owner && !isGiven(disk, place, image.uid, image.gid)) {
    isGiven(disk, place, unchanged, image.gid);
    const stamp = disk.lstat(place);
    const [uid, gid] = [stamp?.uid ?? unchanged, stamp?.gid ?? unchanged];
    if (uid !== image.uid || gid !== image.gid) {
      losses.push(`it belongs to ${uid}:${gid} instead of ${image.uid}:${image.gid}`);
    }
    if (mode !== undefined && image.kind === "file") {
      if (uid !== image.uid) mode &= ~setUserId;
      if (gid !== image.gid) mode &= ~setGroupId;
    }
  }
  if (mode !== undefined) disk.chmod(place, mode);
  // Who is not of its group cannot set setgid; the kernel leaves it out without a word.
  if (mode !== undefined && (mode & setGroupId) !== 0 && process.geteuid?.() !== 0) {
    mode = disk.lstat(place)?.mode ?? mode;
  }
  const lost = (wish.mode ?? 0) & ~(mode ?? 0);
  if ((lost & setUserId) !== 0) losses.push("it has lost setuid");
  if ((lost & setGroupId) !== 0) losses.push("it has lost setgid");
  return { mode, loss: losses.length === 0 ? undefined : losses.join("; ") };
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
