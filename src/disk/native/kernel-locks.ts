import fs from "node:fs";
import type { KernelLocks, LookedAtFile } from "../disk.ts";
import { encodePath } from "../names.ts";
import type { NativeCalls } from "./native-calls.ts";

/**
 * File systems that one kernel has mounted at a time, and where it knows each file by one inode, as
 * their numbers in statfs(2): ext, XFS, Btrfs, tmpfs, overlayfs, F2FS, bcachefs, ZFS. On others a
 * lock may be one of this machine alone, or be lost while its holder lives (NFS, when the server
 * has waited too long), or one file may be two to the kernel (FUSE).
 */
const certainTypes: ReadonlySet<number> = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0x01021994],
  ...[0x794c7630, 0xf2f52010, 0xca451a4e, 0x2fc12fc1],
]);

/**
 * Locks by flock(2): they go with the open file, so that what else this process opens and closes
 * does not release them (as it would those of fcntl(2)), and an overlayfs keeps them for the file
 * that it shows. Files are closed for children, so none of them inherits one beyond its exec.
 */
export function kernelLocks(lockFile: NonNullable<NativeCalls["lockFile"]>): KernelLocks {
  return {
    hold(file) {
      const mark = markOf(file);
      if (mark === undefined) return undefined;
      return lockFile(file.descriptor, "exclusive") === "locked" ? mark : undefined;
    },
    isHeld(file, mark) {
      if (markOf(file) !== mark) return undefined;
      // Shared, so that those who ask at the same time do not take each other for the holder.
      const locking = lockFile(file.descriptor, "shared");
      return locking === "impossible" ? undefined : locking === "held";
    },
  };
}

/**
 * The same file system and inode of the same running kernel have the same mark, and no others that
 * exist at the same time: an overlayfs and the directory of its upper layer differ by their type,
 * also where some kernels show the device of the one for the other.
 */
function markOf({ path, stamp: { dev, ino } }: LookedAtFile): string | undefined {
  const type = typeOf(path);
  if (type === undefined || !certainTypes.has(type)) return undefined;
  return `${type.toString(16)}:${dev}:${ino}`;
}

function typeOf(path: string): number | undefined {
  try {
    return fs.statfsSync(encodePath(path)).type >>> 0;
  } catch {
    return undefined;
  }
}
