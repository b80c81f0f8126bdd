import { basename, dirname, join } from "node:path";
import { nameBytesMax } from "../limits.ts";
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

/** Gives one file the mode of another, and its owner and group where that is permitted. */
export function copyAttributes(overlay: EngineOverlay, from: string, to: string): void {
  const { fs } = overlay;
  const [wanted, given] = [fs.statSync(from), fs.statSync(to)];
  if (wanted.uid !== given.uid || wanted.gid !== given.gid) {
    try {
      fs.chownSync(to, wanted.uid, wanted.gid);
    } catch (error) {
      // Only root gives files away; whoever may write to another's file leaves one of its own.
      if (codeOf(error) !== "EPERM") throw error;
    }
  }
  // Afterwards, since a change of owner takes the set-user-ID bits away.
  fs.chmodSync(to, wanted.mode & 0o7777);
}

/** Bytes that are kept of a name, so that what is put around them still makes a name. */
const keptBytesMax = nameBytesMax - 32;

/** A name in the same directory at which nothing lies. */
export function freeNameBeside(overlay: EngineOverlay, path: string): string {
  const kept = startOf(basename(path), keptBytesMax);
  for (let attempt = 0; ; attempt++) {
    const candidate = join(dirname(path), `.${kept}.part${attempt}`);
    try {
      overlay.fs.lstatSync(candidate);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return candidate;
      throw error;
    }
  }
}

/** As many whole characters from the start of a name as fit into so many bytes. */
function startOf(name: string, bytesMax: number): string {
  let [start, bytes] = ["", 0];
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > bytesMax) break;
    start += character;
  }
  return start;
}
