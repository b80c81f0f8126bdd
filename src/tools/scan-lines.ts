import type { Hash } from "node:crypto";
import type { EngineFs } from "../engines/overlay-port.ts";
import { chunkBytes } from "../limits.ts";

/** A part of a huge file, and what was found out on the way through all of it. */
export interface ScannedLines {
  /** The lines asked for, with their endings, none longer than was asked. */
  readonly bytes: Buffer;
  readonly totalLines: number;
  readonly hasNul: boolean;
  /** Whether a line was cut off because it is longer. */
  readonly isCut: boolean;
}

/**
 * Looks through a file in pieces, so that a file of any size takes the memory of one piece and of
 * the lines that are wanted.
 *
 * @param part the first line wanted, from 0, how many, and how many bytes of each to keep.
 * @param hash is given every byte.
 */
export function scanLines(
  fs: EngineFs,
  path: string,
  part: { readonly first: number; readonly count: number; readonly lineBytesMax: number },
  hash: Pick<Hash, "update">,
): ScannedLines {
  const descriptor = fs.openSync(path, "r");
  try {
    return scanOpen(fs, descriptor, part, hash);
  } finally {
    fs.closeSync(descriptor);
  }
}

const newline = 0x0a;

function scanOpen(
  fs: EngineFs,
  descriptor: number,
  { first, count, lineBytesMax }: Parameters<typeof scanLines>[2],
  hash: Pick<Hash, "update">,
): ScannedLines {
  const chunk = Buffer.allocUnsafeSlow(chunkBytes);
  const kept: Buffer[] = [];
  let line = 0;
  /** Bytes of the current line so far. */
  let lineBytes = 0;
  let hasNul = false;
  let isCut = false;
  for (let position = 0; ; ) {
    const length = fs.readSync(descriptor, chunk, 0, chunk.length, position);
    if (length === 0) break;
    position += length;
    const bytes = chunk.subarray(0, length);
    hash.update(bytes);
    hasNul ||= bytes.includes(0);
    for (let at = 0; at < length; ) {
      const end = bytes.indexOf(newline, at);
      const stop = end < 0 ? length : end;
      if (line >= first && line < first + count) {
        const room = Math.max(0, lineBytesMax - lineBytes);
        isCut ||= stop - at > room;
        kept.push(Buffer.from(bytes.subarray(at, Math.min(stop, at + room))));
        if (end >= 0) kept.push(Buffer.of(newline));
      }
      lineBytes = end < 0 ? lineBytes + stop - at : 0;
      if (end >= 0) line += 1;
      at = stop + 1;
    }
  }
  const totalLines = lineBytes > 0 ? line + 1 : line;
  return { bytes: Buffer.concat(kept), totalLines, hasNul, isCut };
}
