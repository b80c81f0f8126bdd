import { dataPiecesOf } from "../../disk/data-pieces.ts";
import { dataRangesOf } from "../../disk/data-ranges.ts";
import { chunkBytes } from "../../limits.ts";
import type { Layer } from "../../overlay/layer.ts";
import { readFully } from "./spill-file.ts";

/**
 * Whether an open file holds what the layer has at `place`.
 *
 * @param descriptor of a file of `size` bytes; stays the property of the caller.
 */
export function hasSameBytes(
  layer: Layer,
  place: string | Buffer,
  { descriptor, size }: { readonly descriptor: number; readonly size: number },
): boolean {
  const { fs } = layer;
  const held = openHeld(layer, place);
  if (held === undefined) return false;
  try {
    if (fs.fstatSync(held).size !== size) return false;
    const read = (buffer: Uint8Array, position: number): number =>
      readFully(descriptor, buffer, position);
    // A hole has been one since the layer saw it: making one moves times, which have not moved.
    const file = { size, read, dataRanges: () => dataRangesOf(descriptor, size) };
    const ours = Buffer.allocUnsafeSlow(Math.min(size, chunkBytes));
    let isWhole = true;
    for (const { bytes, position } of dataPiecesOf(file, () => {
      isWhole = false;
    })) {
      for (let filled = 0; filled < bytes.length; ) {
        const count = fs.readSync(held, ours, filled, bytes.length - filled, position + filled);
        if (count === 0) return false;
        filled += count;
      }
      if (!ours.subarray(0, bytes.length).equals(bytes)) return false;
    }
    return isWhole;
  } finally {
    fs.closeSync(held);
  }
}

/** `undefined` where a command has left permissions that keep this user from reading. */
function openHeld({ fs }: Layer, place: string | Buffer): number | undefined {
  try {
    return fs.openSync(place, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}
