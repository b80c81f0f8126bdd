import { DraftError } from "../errors.ts";

/**
 * Applies a git delta (gitformat-pack, "Deltified representation") to its base. We write none; they
 * come from a user's own `git gc` in the store.
 *
 *     delta       = base-size result-size instruction*
 *     instruction = 1xxxxxxx offset-bytes? size-bytes?    copy from the base
 *                 | 0nnnnnnn byte{n}                      insert n bytes
 *
 * @throws {DraftError} `DRAFT_STORE_CORRUPT` when the delta does not fit its base.
 */
export function applyDelta(base: Uint8Array, delta: Uint8Array): Buffer {
  const cursor = { bytes: delta, position: 0 };
  const baseSize = readSize(cursor);
  const result = Buffer.allocUnsafeSlow(readSize(cursor));
  let filled = 0;
  let isSound = baseSize === base.length;
  while (isSound && cursor.position < delta.length) {
    const instruction = nextByte(cursor);
    const isCopy = (instruction & 0x80) !== 0;
    const source = isCopy ? base : delta;
    const start = isCopy ? readBits(cursor, instruction, 4) : cursor.position;
    const size = isCopy ? readBits(cursor, instruction >> 4, 3) || 0x10000 : instruction;
    if (!isCopy) cursor.position += size;
    isSound = size > 0 && start + size <= source.length && filled + size <= result.length;
    if (isSound) result.set(source.subarray(start, start + size), filled);
    filled += size;
  }
  if (isSound && filled === result.length) return result;
  throw new DraftError(
    "DRAFT_STORE_CORRUPT",
    "Cannot read an object of the checkpoint store: its delta is damaged. Run draftfs verify.",
  );
}

interface Cursor {
  readonly bytes: Uint8Array;
  position: number;
}

function nextByte(cursor: Cursor): number {
  return cursor.bytes[cursor.position++] ?? 0;
}

/** Little-endian groups of seven bits, the top bit saying that another follows. */
function readSize(cursor: Cursor): number {
  let size = 0;
  let scale = 1;
  for (;;) {
    const byte = nextByte(cursor);
    size += (byte & 0x7f) * scale;
    if ((byte & 0x80) === 0) return size;
    scale *= 0x80;
  }
}

/** A little-endian number of which only the bytes marked in `mask` are present. */
function readBits(cursor: Cursor, mask: number, bytesMax: number): number {
  let value = 0;
  for (let index = 0; index < bytesMax; index++) {
    if ((mask & (1 << index)) !== 0) value += nextByte(cursor) * 2 ** (8 * index);
  }
  return value;
}
