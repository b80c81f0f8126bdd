import { basename, dirname, join } from "node:path";
import { inSavepoint } from "./apply-changes.ts";
import { codeOf, findTarget } from "./overlay-path.ts";
import type { EngineOverlay } from "./overlay-port.ts";

/**
 * Puts a file that was written beside another in its place. One with several names keeps them: the
 * content is copied into it, all of it or nothing, since a rename would take this name away.
 *
 * @param chunk memory to copy through.
 */
export function moveIntoPlace(
  overlay: EngineOverlay,
  written: string,
  path: string,
  chunk: Buffer,
): void {
  const { fs } = overlay;
  if ((findTarget(overlay, path)?.nlink ?? 1) < 2) {
    fs.renameSync(written, path);
    return;
  }
  inSavepoint(overlay, () => {
    const source = fs.openSync(written, "r");
    const target = fs.openSync(path, "w");
    try {
      for (let position = 0; ; ) {
        const count = fs.readSync(source, chunk, 0, chunk.length, position);
        if (count === 0) break;
        writeAll(overlay, target, chunk.subarray(0, count), position);
        position += count;
      }
    } finally {
      fs.closeSync(source);
      fs.closeSync(target);
    }
    fs.unlinkSync(written);
  });
}

/** Writes all bytes at a position: a short write is continued. */
export function writeAll(
  overlay: EngineOverlay,
  descriptor: number,
  bytes: Uint8Array,
  position: number,
): void {
  for (let written = 0; written < bytes.length; ) {
    const rest = bytes.length - written;
    written += overlay.fs.writeSync(descriptor, bytes, written, rest, position + written);
  }
}

/** A name in the same directory at which nothing lies. */
export function freeNameBeside(overlay: EngineOverlay, path: string): string {
  for (let attempt = 0; ; attempt++) {
    const candidate = join(dirname(path), `.${basename(path).slice(0, 200)}.part${attempt}`);
    try {
      overlay.fs.lstatSync(candidate);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return candidate;
      throw error;
    }
  }
}
