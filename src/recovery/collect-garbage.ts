import { join } from "node:path";
import { type Checkpoint, checkpoints } from "../commit/checkpoint/operation-log.ts";
import type { CommitStore } from "../commit/commit-store.ts";
import { settleJournal } from "../commit/journal/settle.ts";
import { sweepClaims } from "../commit/lock/lock.ts";
import { type OpenRoot, openRoot } from "../commit/open-root.ts";
import { DraftError, isDraftError } from "../errors.ts";
import { packsMax } from "../limits.ts";
import { parseCommit } from "../objects/commit-object.ts";
import type { ObjectId } from "../objects/object-id.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { detachedHeads, listRefs } from "../objects/refs.ts";
import { isPrecious } from "../objects/repository-format.ts";
import { readShallow, writeShallow } from "../objects/shallow.ts";
import { type BuiltPack, buildPack, sweepProvisionalPacks } from "./repack.ts";
import { filesOf, type KeptHistory, keptHistory, type Retention } from "./retention.ts";

/** How to collect. */
export interface GarbageOptions extends Retention {
  /** Whether to compress what is packed together; true by default. */
  readonly compression?: boolean;
  /** How long to wait for a committer, in milliseconds; by default not at all: gc can wait. */
  readonly lockWaitMs?: number;
  /** Stops it as long as nothing has been removed. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What a collection did. */
export interface GarbageReport {
  /**
   * `busy`: somebody else held the root, changed the packs, or brought old content back
   * meanwhile; nothing was done.
   */
  readonly outcome: "collected" | "nothing" | "busy";
  /** Operations that can still be undone, and those that were forgotten. */
  readonly kept: number;
  readonly pruned: number;
  readonly packsBefore: number;
  readonly packsAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Whether there are so many packs that a collection is worth its time, and allowed. */
export function isCollectionDue({ disk, objects }: CommitStore): boolean {
  return objects.packBases().length > packsMax && !isPrecious(disk, objects.path);
}

/**
 * Forgets operations beyond the retention and rewrites everything else that is referenced into one
 * compressed pack.
 *
 * Packs never change, so the new one is written without any lock: commits go on meanwhile, and what
 * they add lies in packs of their own. Only the exchange takes the lock. A crash at any point
 * leaves a whole store, because each step rests on those before it being durable:
 *
 *   1. the new pack, then its index       everything kept is there twice
 *   2. the list of cut-off commits        older ones are not referenced any more
 *   3. the old packs and files go         index first: git takes it for the promise of its pack
 *
 * @throws {DraftError} `DRAFT_STORE_CORRUPT`, `DRAFT_CHECKPOINT_MISSING` when something referenced
 *   cannot be read: then nothing is removed. `DRAFT_UNSUPPORTED` where the store is to keep all
 *   objects. `DRAFT_ABORTED`.
 */
export async function collectGarbage(
  store: CommitStore,
  options: GarbageOptions = {},
): Promise<GarbageReport> {
  const { objects } = store;
  refusePrecious(store);
  objects.refresh();
  const before = measure(store);
  const history = keptHistory(objects, options);
  // Without any operation there can be packs all the same: of commits that were taken back.
  const isCompact = history.pruned === 0 && before.packs <= Math.min(1, history.kept.length);
  if (isCompact) return report("nothing", history, before, before);
  const oldPacks = objects.packBases().filter((base) => !isKeptByHand(store, base));
  const boundary = boundaryOf(store, history);
  const tips = tipsOf(store);
  const built = tips.length === 0 ? nothingToKeep : await buildPack(store, tips, boundary, options);
  try {
    const root = await tryLock(store, options);
    if (root === undefined) return report("busy", history, before, before);
    try {
      // What the refs say must be durable before what they said before is removed.
      await settleJournal(store, { last: root.last });
      const present = new Set(objects.packBases());
      if (!oldPacks.every((base) => present.has(base))) {
        return report("busy", history, before, before);
      }
      options.signal?.throwIfAborted();
      objects.refresh();
      // An undo that came meanwhile has left out what it put back, which may be about to go.
      if (!isKept(contentSince(objects, history), built, oldPacks, objects)) {
        return report("busy", history, before, before);
      }
      const newPack = await built.install();
      if (history.pruned > 0) {
        await writeShallow(store.disk, objects.path, boundary);
        removeCommitGraph(store);
      }
      removePacks(
        store,
        oldPacks.filter((base) => base !== newPack),
      );
      // What was committed meanwhile may need large content that nothing did before.
      objects.refresh();
      const { large } = keptHistory(objects, options);
      removeLarge(store, new Set([...history.large, ...large]));
      sweepProvisionalPacks(store);
      sweepLocks(store);
      objects.refresh();
      return report("collected", history, before, measure(store));
    } finally {
      root.lock.release();
    }
  } finally {
    built.discard();
  }
}

/** The content of files in the operations that have come since a history was read. */
function* contentSince(objects: ObjectStore, { kept }: KeptHistory): Generator<ObjectId> {
  for (const { id, manifest } of checkpoints(objects)) {
    if (id === kept[0]?.id) return;
    for (const { oid, stored } of filesOf(manifest.changes)) if (stored === "blob") yield oid;
  }
}

/** Whether all of it will still be there when the old packs are gone. */
function isKept(
  content: Iterable<ObjectId>,
  built: BuiltPack,
  oldPacks: readonly string[],
  objects: ObjectStore,
): boolean {
  const old = new Set(oldPacks);
  for (const oid of content) if (!built.has(oid) && !objects.has(oid, old)) return false;
  return true;
}

/** As git's own `repack -d` and `prune` do. */
function refusePrecious({ disk, objects }: CommitStore): void {
  if (!isPrecious(disk, objects.path)) return;
  const path = `${objects.path}/config`;
  throw new DraftError(
    "DRAFT_UNSUPPORTED",
    `Cannot collect garbage: extensions.preciousObjects is set in ${path}, so nothing in that ` +
      "store may be deleted, because other repositories may need it. Nothing was touched. Where " +
      `none does, unset it (git --git-dir ${objects.path} config --unset ` +
      "extensions.preciousObjects).",
    { path },
  );
}

const nothingToKeep: BuiltPack = {
  has: () => false,
  install: () => Promise.resolve(undefined),
  discard: () => undefined,
};

async function tryLock(
  store: CommitStore,
  { lockWaitMs = 0, signal }: GarbageOptions,
): Promise<OpenRoot | undefined> {
  try {
    return await openRoot(store, {
      waitMs: lockWaitMs,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_LOCKED") return undefined;
    throw error;
  }
}

/** Where every walk over what is kept begins. References that a user made are as good as ours. */
function tipsOf({ disk, objects }: CommitStore): ObjectId[] {
  const heads = detachedHeads(disk, objects.path).filter((oid) => objects.has(oid));
  return [...new Set([...listRefs(disk, objects.path).values(), ...heads])];
}

/**
 * The commits whose parents are cut off: the oldest operation that is kept, and the state of the
 * main chain before it, which an undo of it leads back to.
 */
function boundaryOf({ disk, objects }: CommitStore, history: KeptHistory): Set<ObjectId> {
  const boundary = readShallow(disk, objects.path);
  const oldest = history.kept.at(-1);
  if (history.pruned === 0 || oldest === undefined) return boundary;
  boundary.add(oldest.id);
  const [state] = parentsOf(oldest, objects);
  if (state !== undefined) boundary.add(state);
  return boundary;
}

function parentsOf({ manifest }: Checkpoint, objects: CommitStore["objects"]): readonly ObjectId[] {
  return parseCommit(objects.read(manifest.main).bytes).parents;
}

/** A pack that a user has marked to be left alone, as git has it. */
function isKeptByHand({ disk }: CommitStore, base: string): boolean {
  return disk.lstat(`${base}.keep`) !== undefined;
}

/**
 * Removes what git has derived from a longer history, in a user's own `git gc`; it makes it anew.
 */
function removeCommitGraph({ disk, objects }: CommitStore): void {
  const information = join(objects.path, "objects", "info");
  const graphs = join(information, "commit-graphs");
  if (disk.lstat(join(information, "commit-graph")) !== undefined) {
    disk.unlink(join(information, "commit-graph"));
  }
  if (disk.lstat(graphs) === undefined) return;
  for (const { name } of disk.readdir(graphs)) disk.unlink(join(graphs, name));
}

const packSuffixes = ["idx", "rev", "bitmap", "mtimes", "pack"];

function removePacks({ disk, objects }: CommitStore, bases: readonly string[]): void {
  const directory = join(objects.path, "objects", "pack");
  const names = new Set(disk.readdir(directory).map((entry) => join(directory, entry.name)));
  // It lists packs that are about to go; git makes it anew when it wants one.
  const listing = join(directory, "multi-pack-index");
  if (names.has(listing)) disk.unlink(listing);
  objects.close();
  for (const base of bases) {
    for (const suffix of packSuffixes) {
      if (names.has(`${base}.${suffix}`)) disk.unlink(`${base}.${suffix}`);
    }
  }
}

/** The caller holds the lock of the root, and of no draft. */
function sweepLocks({ disk, state }: CommitStore): void {
  sweepClaims(disk, state.path, true);
  if (disk.lstat(state.drafts) === undefined) return;
  for (const { name, kind } of disk.readdir(state.drafts)) {
    try {
      if (kind === "directory") sweepClaims(disk, join(state.drafts, name), false);
    } catch (error) {
      // Another process has just closed an empty draft.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

function removeLarge({ disk, state }: CommitStore, needed: ReadonlySet<ObjectId>): void {
  const directory = join(state.path, "large");
  if (disk.lstat(directory) === undefined) return;
  for (const { name } of disk.readdir(directory)) {
    if (!needed.has(name)) disk.unlink(join(directory, name));
  }
}

interface Measure {
  readonly packs: number;
  readonly bytes: number;
}

function measure({ disk, objects }: CommitStore): Measure {
  const sizes = objects.packBases().map((base) => disk.lstat(`${base}.pack`)?.size ?? 0);
  return { packs: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

function report(
  outcome: GarbageReport["outcome"],
  history: KeptHistory,
  before: Measure,
  after: Measure,
): GarbageReport {
  const isDone = outcome === "collected";
  return {
    outcome,
    kept: history.kept.length + (isDone ? 0 : history.pruned),
    pruned: isDone ? history.pruned : 0,
    packsBefore: before.packs,
    packsAfter: after.packs,
    bytesBefore: before.bytes,
    bytesAfter: after.bytes,
  };
}
