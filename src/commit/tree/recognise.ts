import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import type { Stamp } from "../../disk/stamp.ts";
import { packedContentBytesMax } from "../../limits.ts";
import type { FileImage, NodeImage } from "../plan/step.ts";
import { hashFile } from "./large-content.ts";

/** Whether the node at an absolute path is the one that the image describes. Content decides. */
export function isImage(disk: Disk, place: string, stamp: Stamp, image: NodeImage): boolean {
  if (stamp.kind !== image.kind) return false;
  switch (image.kind) {
    case "directory":
      return image.ino === undefined || image.ino === String(stamp.ino);
    case "symlink":
      return disk.readlink(place) === image.target;
    case "file":
      return isFileImage(disk, place, stamp, image);
  }
}

/** Whether a node is the very inode that was moved, wherever it lies now. */
export function isMovedNode(stamp: Stamp, image: NodeImage): boolean {
  return stamp.kind === image.kind && image.ino !== undefined && image.ino === String(stamp.ino);
}

/** Whether mode and owner of a node are those of the image; and its time, to what can be set. */
export function hasAttributes(stamp: Stamp, image: NodeImage, withTime: boolean): boolean {
  if (withTime && stamp.mtimeNs / 1000n !== BigInt(image.mtimeNs) / 1000n) return false;
  const isSameMode = image.kind === "symlink" || stamp.mode === image.mode;
  return isSameMode && stamp.uid === image.uid && stamp.gid === image.gid;
}

/**
 * Whether this is the very file that an operation took a name from, by another name that it has:
 * nothing was written into it, so that a disk which has failed to write cannot have lost any of it.
 */
export function isParted(stamp: Stamp, node: NodeImage): boolean {
  return stamp.nlink > 1 && node.kind === "file" && isMovedNode(stamp, node);
}

/** A node that is to be recognised by its content alone: it was made after the record. */
export function withoutIdentity(node: NodeImage): NodeImage {
  const { ino: _, ...rest } = node;
  return rest;
}

/** setuid and setgid, which a change of owner clears. */
const privilegeBits = 0o6000;

/**
 * Whether mode and owner of a node are what an interrupted change from `before` to `after` leaves:
 * each is still as it was, or as it is to be.
 *
 * @param before `null` for a directory that the operation made.
 */
export function isBetween(stamp: Stamp, before: NodeImage | null, after: NodeImage): boolean {
  // It has what its maker gave it: its owner may be any, its mode has no more than is asked for.
  if (before === null) return (stamp.mode & ~(after.mode | 0o2700)) === 0;
  if (stamp.uid !== before.uid && stamp.uid !== after.uid) return false;
  if (stamp.gid !== before.gid && stamp.gid !== after.gid) return false;
  if (stamp.kind === "symlink") return true;
  // A directory that is filled meanwhile has more for a while.
  const more = stamp.kind === "directory" ? 0o700 : 0;
  const modes = [before.mode, before.mode | more, after.mode, after.mode | more];
  return modes.some((mode) => stamp.mode === mode || stamp.mode === (mode & ~privilegeBits));
}

function isFileImage(disk: Disk, place: string, stamp: Stamp, image: FileImage): boolean {
  if (stamp.size !== image.size) return false;
  const isSameInode = image.ino === String(stamp.ino);
  if (isSameInode && image.mtimeNs === String(stamp.mtimeNs)) return true;
  // A moved file whose bytes were never read is known by its inode alone.
  if (image.oid === "") return isSameInode;
  const descriptor = disk.open(place, openFlags.read);
  try {
    return hashFile(disk, descriptor, stamp.size) === image.oid;
  } finally {
    closeQuietly(disk, descriptor);
  }
}

/** What a sector holds after a power cut: what was written, what was there before, or zeros. */
const sectorBytes = 512;

/**
 * Whether the content at a path is what a power cut makes of the versions given: no longer than the
 * longest, and each sector as in one of them or all zeros. An empty file is, and one of zeros.
 */
export function isTorn(
  disk: Disk,
  place: string,
  stamp: Stamp,
  versions: readonly (Uint8Array | undefined)[],
): boolean {
  if (stamp.kind !== "file") return false;
  if (stamp.size === 0) return true;
  const known = versions.filter((version) => version !== undefined);
  const longest = Math.max(0, ...known.map((version) => version.length));
  if (stamp.size > longest || stamp.size > packedContentBytesMax) return false;
  const content = disk.readFile(place);
  for (let start = 0; start < content.length; start += sectorBytes) {
    const sector = content.subarray(start, start + sectorBytes);
    const isKnown = known.some((version) => isSectorOf(version, start, sector));
    if (!isKnown && sector.some((byte) => byte !== 0)) return false;
  }
  return true;
}

/**
 * Beyond the end of a version there are zeros: a file can have its new size before its new bytes.
 */
function isSectorOf(version: Uint8Array, start: number, sector: Uint8Array): boolean {
  const held = version.subarray(start, start + sector.length);
  return (
    Buffer.compare(held, sector.subarray(0, held.length)) === 0 &&
    sector.subarray(held.length).every((byte) => byte === 0)
  );
}
