import { dataPiecesOf } from "../../disk/data-pieces.ts";
import { chunkBytes } from "../../limits.ts";
import { ContentHash } from "../../objects/content-hash.ts";
import { type ObjectId, objectIdOf } from "../../objects/object-id.ts";
import { readContent } from "../../overlay/content/content.ts";
import type { Content } from "../../overlay/pending/pending.ts";

/** The id of a content; what is large is read in pieces. */
export function contentIdOf(content: Content): ObjectId {
  if (content.size <= chunkBytes) return objectIdOf("blob", readContent(content));
  const hash = new ContentHash(content.size);
  for (const { bytes, position } of dataPiecesOf(content)) hash.update(bytes, position);
  return hash.digest();
}
