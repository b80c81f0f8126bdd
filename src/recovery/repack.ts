import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { promisify } from "node:util";
import { constants, deflate, type ZlibOptions } from "node:zlib";
import type { CommitStore } from "../commit/commit-store.ts";
import { openFlags } from "../disk/open-flags.ts";
import { isNameGone, processNameOf, processNamePattern } from "../disk/process-identity.ts";
import { syncDirectory } from "../disk/sync-directory.ts";
import { batchFilesMax } from "../limits.ts";
import type { ObjectId } from "../objects/object-id.ts";
import { PackBuilder, type PackSummary } from "../objects/pack-builder.ts";
import { writeDurably } from "../objects/write-durably.ts";
import { type Reached, walkReachable } from "./reachable.ts";

const compress = promisify<Buffer, ZlibOptions, Buffer>(deflate);

/** A pack of everything reachable, durable under a provisional name that git ignores. */
export interface BuiltPack {
  has(oid: ObjectId): boolean;
  /**
   * Gives it its name and its index, durably; returns the path of both without suffix, `undefined`
   * where there is nothing to pack.
   */
  install(): Promise<string | undefined>;
  /** Removes what has not been installed. */
  discard(): void;
}

export interface RepackOptions {
  /** Whether to compress what is not compressed yet; true by default. */
  readonly compression?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * Writes everything that some commits lead to into one compressed pack. Reads only packs, which
 * never change, so no lock is needed; yields to other work between objects.
 *
 * @throws {DraftError} when something cannot be read, the `signal`'s reason when it is aborted.
 */
export async function buildPack(
  store: CommitStore,
  tips: readonly ObjectId[],
  boundary: ReadonlySet<ObjectId>,
  options: RepackOptions,
): Promise<BuiltPack> {
  const { disk, objects } = store;
  const reached = [...walkReachable(objects, tips, boundary)];
  const directory = join(objects.path, "objects", "pack");
  const owner = processNameOf(disk);
  const path = join(directory, `tmp_pack_${owner}_${randomBytes(6).toString("hex")}`);
  const descriptor = disk.open(path, openFlags.createNew, 0o444);
  inProgress.add(path);
  const discard = (): void => {
    inProgress.delete(path);
    if (disk.lstat(path) !== undefined) disk.unlink(path);
  };
  let summary: PackSummary;
  try {
    summary = await fill(store, descriptor, reached, options);
  } catch (error) {
    discard();
    throw error;
  }
  const held = new Set(reached.map(({ oid }) => oid));
  return {
    has: (oid) => held.has(oid),
    discard,
    async install(): Promise<string> {
      const base = join(directory, `pack-${summary.checksum}`);
      disk.rename(path, `${base}.pack`);
      await syncDirectory(disk, directory);
      const index = summary.index();
      await writeDurably(disk, `${base}.idx`, index, 0o444);
      return base;
    },
  };
}

/** Writes the pack into an open file, makes it durable and closes the file. */
async function fill(
  store: CommitStore,
  descriptor: number,
  reached: readonly Reached[],
  { compression, signal, onProgress }: RepackOptions,
): Promise<PackSummary> {
  try {
    const pack = new PackBuilder(store.disk, { descriptor });
    for (let done = 0; done < reached.length; done += batchFilesMax) {
      signal?.throwIfAborted();
      onProgress?.({ done, total: reached.length });
      const batch = reached.slice(done, done + batchFilesMax);
      const level = compression === false ? constants.Z_NO_COMPRESSION : undefined;
      const packed = await Promise.all(batch.map((each) => compressedOf(store, each, level)));
      for (const { oid, kind, size, stream } of packed) pack.addPacked(kind, oid, size, stream);
    }
    const summary = pack.finish();
    await store.disk.fsync(descriptor);
    return summary;
  } finally {
    store.disk.close(descriptor);
  }
}

/** Provisional packs of this very process. */
const inProgress = new Set<string>();

/**
 * Removes provisional packs that dead processes have left, as git would when they are old, and what
 * was written beside the place of an index or a pack and never got there: a power cut can keep that
 * of an operation of which it has lost the record. The caller holds the lock of the root.
 */
export function sweepProvisionalPacks({ disk, objects }: CommitStore): void {
  const directory = join(objects.path, "objects", "pack");
  const own = processNameOf(disk);
  for (const { name } of disk.readdir(directory)) {
    const owner = provisionalPattern.exec(name)?.[1];
    const path = join(directory, name);
    if (stagedPattern.test(name)) disk.unlink(path);
    if (owner === undefined || inProgress.has(path)) continue;
    if (owner === own || isNameGone(disk, owner)) disk.unlink(path);
  }
}

const stagedPattern = /^pack-[0-9a-f]{40}\.(?:idx|pack)\.new$/;
const provisionalPattern = new RegExp(`^tmp_pack_(${processNamePattern})_[0-9a-f]{12}$`);

interface Packed extends Reached {
  readonly size: number;
  readonly stream: Buffer;
}

/** The object as the new pack holds it; what is compressed already is taken as it is. */
async function compressedOf(
  { objects }: CommitStore,
  reached: Reached,
  level = constants.Z_DEFAULT_COMPRESSION,
): Promise<Packed> {
  const { oid, kind } = reached;
  const ready = objects.readCompressed(oid);
  if (ready !== undefined) return { oid, kind, ...ready };
  const { bytes } = objects.read(oid);
  return { oid, kind, size: bytes.length, stream: await compress(bytes, { level }) };
}
