import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chunkBytes } from "../limits.ts";

/**
 * One file without a name that takes content too large for memory. It is removed as soon as it is
 * open, so that the kernel frees it when this process ends, however it ends.
 */
export class SpillFile {
  #descriptor: number | undefined;
  #end = 0;

  /** Copies `size` bytes of an open file to the end; returns where they begin. */
  append(source: number, size: number): number {
    this.#descriptor ??= openNameless();
    const start = this.#end;
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, Math.max(1, size)));
    for (let position = 0; position < size; ) {
      const count = readSync(source, buffer, 0, Math.min(buffer.length, size - position), position);
      if (count === 0) break;
      for (let written = 0; written < count; ) {
        written += writeSync(
          this.#descriptor,
          buffer,
          written,
          count - written,
          this.#end + written,
        );
      }
      this.#end += count;
      position += count;
    }
    return start;
  }

  /** Fills `buffer` from `position`; returns the bytes read, fewer only at the end. */
  read(buffer: Uint8Array, position: number): number {
    return this.#descriptor === undefined ? 0 : readFully(this.#descriptor, buffer, position);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

/** Reads until `buffer` is full or the file ends. */
export function readFully(descriptor: number, buffer: Uint8Array, position: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const length = Math.min(chunkBytes, buffer.length - filled);
    const count = readSync(descriptor, buffer, filled, length, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function openNameless(): number {
  const directory = mkdtempSync(join(tmpdir(), "draftfs-spill-"));
  try {
    return openSync(join(directory, "spill"), "wx+", 0o600);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
