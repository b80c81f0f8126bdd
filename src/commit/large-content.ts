import type { Disk } from "../disk/disk.ts";
import { chunkBytes } from "../limits.ts";
import { type ObjectId, startObjectHash } from "../objects/object-id.ts";

/**
 * Content beyond `packedContentBytesMax` is in no pack. Where it is replaced or removed, its inode
 * is kept under `.draftfs/large/<oid>`, by a link and never by a copy where the file system can; in
 * the git trees of the checkpoint store stands a pointer in its place:
 *
 *   draftfs large content 1
 *   oid <git's blob id of the bytes>
 *   size <bytes, in decimal>
 */
export function pointerOf(oid: ObjectId, size: number): Buffer {
  return Buffer.from(`${pointerTitle}\noid ${oid}\nsize ${size}\n`);
}

/** What a pointer stands for, `undefined` when the bytes are no pointer. */
export function parsePointer(bytes: Buffer): { oid: ObjectId; size: number } | undefined {
  const match = /^draftfs large content 1\noid ([0-9a-f]{40})\nsize (\d{1,16})\n$/.exec(
    bytes.toString("latin1", 0, pointerBytesMax),
  );
  return match?.[1] === undefined ? undefined : { oid: match[1], size: Number(match[2]) };
}

const pointerTitle = "draftfs large content 1";
const pointerBytesMax = 128;

/** Git's blob id of an open file, read in pieces. */
export function hashFile(disk: Disk, descriptor: number, size: number): ObjectId {
  const hash = startObjectHash("blob", size);
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(chunkBytes, size)));
  for (let position = 0; position < size; ) {
    const bytesRead = disk.read(descriptor, buffer, position);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash.digest("hex");
}
