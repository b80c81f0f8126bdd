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

/** Whether an error says that ownership is not ours to give. The node keeps its maker's then. */
export function isNotPermitted(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "EPERM" || code === "EINVAL" || code === "ENOSYS" || code === "ENOTSUP";
}
