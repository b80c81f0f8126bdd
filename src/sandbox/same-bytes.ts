import { chunkBytes } from "../limits.ts";
import type { Layer } from "../overlay/layer.ts";
import { readFully } from "./spill-file.ts";

/**
 * Whether an open file holds what the layer has at `place`.
 *
 * @param descriptor of a file of `size` bytes; stays the property of the caller.
 */
export function hasSameBytes(
  layer: Layer,
  place: string,
  { descriptor, size }: { readonly descriptor: number; readonly size: number },
): boolean {
  const { fs } = layer;
  const held = openHeld(layer, place);
  if (held === undefined) return false;
  try {
    if (fs.fstatSync(held).size !== size) return false;
    const ours = Buffer.allocUnsafeSlow(Math.min(size, chunkBytes));
    const theirs = Buffer.allocUnsafeSlow(ours.length);
    for (let position = 0; position < size; position += ours.length) {
      const count = readFully(descriptor, theirs, position);
      for (let filled = 0; filled < count; ) {
        const read = fs.readSync(held, ours, filled, count - filled, position + filled);
        if (read === 0) return false;
        filled += read;
      }
      if (count === 0 || ours.compare(theirs, 0, count, 0, count) !== 0) return false;
    }
    return true;
  } finally {
    fs.closeSync(held);
  }
}

/** `undefined` where a command has left permissions that keep this user from reading. */
function openHeld({ fs }: Layer, place: string): number | undefined {
  try {
    return fs.openSync(place, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EACCES") return undefined;
    throw error;
  }
}
