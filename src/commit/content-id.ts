import { chunkBytes } from "../limits.ts";
import { type ObjectId, objectIdOf, startObjectHash } from "../objects/object-id.ts";
import { chunksOf, readContent } from "../overlay/content.ts";
import type { Content } from "../overlay/pending.ts";

/** Git's blob id of a content; what is large is read in pieces. */
export function contentIdOf(content: Content): ObjectId {
  if (content.size <= chunkBytes) return objectIdOf("blob", readContent(content));
  const hash = startObjectHash("blob", content.size);
  for (const piece of chunksOf(content)) hash.update(piece);
  return hash.digest("hex");
}
