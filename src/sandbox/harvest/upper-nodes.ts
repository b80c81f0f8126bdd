import type { NodeStats } from "../../disk/node-stats.ts";

/** A whiteout of overlayfs is a character device 0, 0. */
export function isWhiteout(stats: NodeStats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0n;
}

/**
 * Whether the times of a directory were set by a command. Making a name in it sets both times
 * alike; they differ when `utimes` came after, or `chmod`, and then keeping them is right as well.
 */
export function areTimesSet(stats: NodeStats): boolean {
  return stats.mtimeNs !== stats.ctimeNs;
}
