import { dataPiecesOf, openFile } from "../../disk/data-pieces.ts";
import type { Disk } from "../../disk/disk.ts";
import { ContentHash } from "../../objects/content-hash.ts";
import type { ObjectId } from "../../objects/object-id.ts";

/**
 * Content beyond `packedContentBytesMax` is in no pack. Where it is replaced or removed, its inode
 * is kept under `.draftfs/large/<oid>`, by a link and never by a copy where the file system can; in
 * the git trees of the checkpoint store stands a pointer in its place:
 *
 *   draftfs large content 1
 *   oid <id of the content, see `ContentHash`>
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

/** The id of an open file's content, read in pieces. */
export function hashFile(disk: Disk, descriptor: number, size: number): ObjectId {
  const hash = new ContentHash(size);
  const file = openFile(disk, descriptor, size);
  for (const { bytes, position } of dataPiecesOf(file, () => hash.cut())) {
    hash.update(bytes, position);
  }
  return hash.digest();
}
