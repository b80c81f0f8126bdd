import { join } from "node:path";
import type { ManifestFile } from "../commit/manifest.ts";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import type { StateDirectory } from "../disk/state-directory.ts";
import { DraftError } from "../errors.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { Content } from "../overlay/pending.ts";

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
  return {
    size: file.size,
    lower: undefined,
    spilled: undefined,
    read(buffer, position) {
      const descriptor = source.disk.open(path, openFlags.read);
      try {
        return source.disk.read(descriptor, buffer, position);
      } finally {
        source.disk.close(descriptor);
      }
    },
  };
}

function missing(file: ManifestFile, reason: string): DraftError {
  return new DraftError(
    "DRAFT_CHECKPOINT_MISSING",
    `Cannot bring back a file of ${file.size} bytes (${file.oid || "unknown content"}): ${reason}. ` +
      "Nothing was touched. Restore the other paths by name.",
    { details: { oid: file.oid, size: file.size } },
  );
}
