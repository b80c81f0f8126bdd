import type { Stamp } from "./stamp.ts";

/**
 * Whether a node in a hidden directory was changed, or came there, after somebody had last looked:
 * then hiding the directory was not meant for it. What comes and goes in a directory changes both
 * of its times, a move only the one.
 *
 * @param seenNs when that was; a node is never unseen where that is not known.
 */
export function isUnseen({ kind, mtimeNs, ctimeNs }: Stamp, seenNs: bigint | undefined): boolean {
  if (seenNs === undefined || ctimeNs < seenNs) return false;
  return kind !== "directory" || mtimeNs < seenNs;
}

/** A stamp that no node has: whoever compares with it finds a conflict. */
export function stampOfUnseen(stamp: Stamp): Stamp {
  return { ...stamp, ino: 0n, mtimeNs: 0n, ctimeNs: 0n };
}
