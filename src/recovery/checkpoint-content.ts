import { join } from "node:path";
import type { ManifestFile } from "../commit/checkpoint/manifest.ts";
import { dataRangesIn, openFile } from "../disk/data-pieces.ts";
import type { ByteRange } from "../disk/data-ranges.ts";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import type { StateDirectory } from "../disk/state/state-directory.ts";
import { DraftError } from "../errors.ts";
import { ContentHash } from "../objects/content-hash.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { Content } from "../overlay/pending/pending.ts";

/** Where the recorded bytes of files are found. */
export interface ContentSource {
  readonly disk: Disk;
  readonly state: StateDirectory;
  readonly objects: ObjectStore;
}

/**
 * The bytes of a recorded file, read from the store when they are asked for.
 *
 * @throws {DraftError} `DRAFT_CHECKPOINT_MISSING` when they were not kept, or not any more.
 */
export function checkpointContent(source: ContentSource, file: ManifestFile): Content {
  switch (file.stored) {
    case "blob":
      return blobContent(source.objects, file);
    case "large":
      return largeContent(source, file);
    case "unread":
      throw missing(file, "it was moved as it was, without reading it");
  }
}

function blobContent(store: ObjectStore, file: ManifestFile): Content {
  if (!store.has(file.oid)) throw missing(file, "it has been pruned");
  return {
    size: file.size,
    lower: undefined,
    spilled: undefined,
    // Blobs are small by construction, and almost always read in one go.
    read(buffer, position) {
      const piece = store.read(file.oid).bytes.subarray(position, position + buffer.length);
      buffer.set(piece);
      return piece.length;
    },
  };
}

function largeContent(source: ContentSource, file: ManifestFile): Content {
  const path = join(source.state.path, "large", file.oid);
  if (source.disk.lstat(path)?.size !== file.size) throw missing(file, "it is not kept any more");
  const check = new CheckOnTheWay(file, path);
  return {
    size: file.size,
    lower: undefined,
    spilled: undefined,
    read(buffer, position) {
      const piece = readAt(source.disk, path, buffer, position);
      check.read(piece, position);
      return piece.length;
    },
    *dataRanges() {
      const ranges = rangesOf(source.disk, path, file.size);
      check.start();
      let end = 0;
      for (const range of ranges) {
        check.skip(end, range.start);
        yield range;
        end = range.end;
      }
      check.skip(end, file.size);
    },
  };
}

/**
 * Whoever puts a large file back reads it from end to end, so it is checked on the way: other
 * programs may hold the kept file open, or have it under another name.
 */
class CheckOnTheWay {
  readonly #file: ManifestFile;
  readonly #path: string;
  /** `undefined` when something else than the next bytes was read. */
  #hash: ContentHash | undefined;
  #end = 0;

  constructor(file: ManifestFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  start(): void {
    this.#hash = new ContentHash(this.#file.size);
    this.#end = 0;
  }

  read(bytes: Uint8Array, position: number): void {
    if (position === 0) this.start();
    else if (position !== this.#end) this.#hash = undefined;
    this.#hash?.update(bytes, position);
    this.#end = position + bytes.length;
    this.#atEnd();
  }

  /** Says that there is a hole from `start` to `end`, which a reader of everything skips. */
  skip(start: number, end: number): void {
    if (start === end) return;
    if (this.#end !== start) this.#hash = undefined;
    this.#end = end;
    this.#atEnd();
  }

  #atEnd(): void {
    if (this.#end !== this.#file.size) return;
    const oid = this.#hash?.digest();
    this.#hash = undefined;
    if (oid !== undefined && oid !== this.#file.oid) throw damaged(this.#path);
  }
}

function rangesOf(disk: Disk, path: string, size: number): readonly ByteRange[] {
  const descriptor = disk.open(path, openFlags.read);
  try {
    return [...dataRangesIn(openFile(disk, descriptor, size))];
  } finally {
    disk.close(descriptor);
  }
}

function readAt(disk: Disk, path: string, buffer: Uint8Array, position: number): Uint8Array {
  const descriptor = disk.open(path, openFlags.read);
  try {
    return buffer.subarray(0, disk.read(descriptor, buffer, position));
  } finally {
    disk.close(descriptor);
  }
}

function damaged(path: string): DraftError {
  return new DraftError(
    "DRAFT_STORE_CORRUPT",
    `Cannot bring back the large file kept as ${path}: it holds other bytes than were kept. ` +
      "Nothing was touched.",
    { path },
  );
}

function missing(file: ManifestFile, reason: string): DraftError {
  return new DraftError(
    "DRAFT_CHECKPOINT_MISSING",
    `Cannot bring back ${file.size} bytes of a file (${file.oid || "unknown content"}): ` +
      `${reason}. ` +
      "Nothing was touched. Restore the other paths by name.",
    { details: { oid: file.oid, size: file.size } },
  );
}
