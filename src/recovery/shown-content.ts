import { dataPiecesOf } from "../disk/data-pieces.ts";
import { isDenied } from "../disk/error-codes.ts";
import { chunkBytes } from "../limits.ts";
import { ContentHash } from "../objects/content-hash.ts";
import { type ObjectId, objectIdOf } from "../objects/object-id.ts";
import type { Layer, OverlayFs } from "../overlay/layer.ts";

/**
 * The id of what a layer shows in a file.
 *
 * @param place absolute.
 * @returns `undefined` for a file that this user may not read.
 */
export function shownContentId(
  layer: Layer,
  place: string | Buffer,
  size: number,
): ObjectId | undefined {
  const fs = layer.fs as OverlayFs;
  try {
    if (size <= chunkBytes) return objectIdOf("blob", fs.readFileSync(place));
    return hashInPieces(layer, fs, place, size);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

function hashInPieces(layer: Layer, fs: OverlayFs, place: string | Buffer, size: number): ObjectId {
  const hash = new ContentHash(size);
  const descriptor = fs.openSync(place, "r");
  const read = (buffer: Uint8Array, position: number): number =>
    fs.readSync(descriptor, buffer, 0, buffer.length, position);
  const file = { size, read, dataRanges: () => layer.dataRanges(descriptor) };
  try {
    for (const { bytes, position } of dataPiecesOf(file, () => hash.cut())) {
      hash.update(bytes, position);
    }
    return hash.digest();
  } finally {
    fs.closeSync(descriptor);
  }
}
