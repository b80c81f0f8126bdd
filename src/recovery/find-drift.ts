import { setImmediate as nextTurn } from "node:timers/promises";
import { mainRef } from "../commit/checkpoint/manifest.ts";
import type { CommitStore } from "../commit/commit-store.ts";
import { isRecordedIndex } from "../commit/conflict/recorded-index.ts";
import { hashFile, parsePointer } from "../commit/tree/large-content.ts";
import { isDenied } from "../disk/error-codes.ts";
import { encodePath } from "../disk/names.ts";
import { openFlags } from "../disk/open-flags.ts";
import { absoluteOf, childOf, type TreePath } from "../disk/tree-path.ts";
import { batchFilesMax, packedContentBytesMax } from "../limits.ts";
import { parseCommit } from "../objects/commit-object.ts";
import { type ObjectId, objectIdOf } from "../objects/object-id.ts";
import { emptyTreeOid, parseTree, submoduleMode, type TreeEntry } from "../objects/tree.ts";

/** A recorded path that is not as the last operation left it. */
export interface Drift {
  readonly path: TreePath;
  /** `unreadable`: this user may not read it, so that nothing tells whether it is the same. */
  readonly reason: "vanished" | "changed" | "retyped" | "mode" | "unreadable";
}

/**
 * Compares the disk with the last checkpoint: every recorded file and link, its bytes, and whether
 * it can be executed. Drift is nothing wrong: files are there to be edited. It says what the next
 * undo would stop at. A directory that has gone or become something else is named once.
 *
 * @throws {DraftError} `DRAFT_STORE_CORRUPT`, `DRAFT_CHECKPOINT_MISSING` when the checkpoint cannot
 *   be read.
 */
export async function findDrift(
  store: CommitStore,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Drift[]> {
  const main = store.objects.readRef(mainRef);
  if (main === undefined) return [];
  const { tree } = parseCommit(store.objects.read(main).bytes);
  const found: Drift[] = [];
  let looked = 0;
  for (const drift of driftsIn(store, tree, "")) {
    if (drift !== undefined) found.push(drift);
    looked += 1;
    if (looked % batchFilesMax === 0) {
      options.signal?.throwIfAborted();
      await nextTurn();
    }
  }
  return found;
}

/** One item for each recorded path, `undefined` for what is as it should be. */
function* driftsIn(
  store: CommitStore,
  tree: ObjectId,
  directory: TreePath,
): Generator<Drift | undefined> {
  if (tree === emptyTreeOid) return;
  for (const [name, entry] of parseTree(store.objects.read(tree).bytes)) {
    // Put there by a user of git: no operation has recorded it.
    if (entry.mode === submoduleMode) continue;
    const path = childOf(directory, name);
    const stamp = store.disk.lstat(absoluteOf(store.state.root, path));
    if (stamp === undefined) {
      yield { path, reason: "vanished" };
    } else if (stamp.kind !== kindOf(entry)) {
      yield { path, reason: "retyped" };
    } else if (entry.mode === "40000") {
      yield* driftsIn(store, entry.oid, path);
    } else {
      const isExecutable = stamp.kind === "file" && (stamp.mode & 0o100) !== 0;
      const isSame = stamp.kind === "symlink" || isExecutable === (entry.mode === "100755");
      const reason = contentDrift(store, path, entry) ?? (isSame ? undefined : "mode");
      yield reason && { path, reason };
    }
  }
}

function kindOf({ mode }: TreeEntry): "directory" | "symlink" | "file" {
  if (mode === "40000") return "directory";
  return mode === "120000" ? "symlink" : "file";
}

function contentDrift(
  store: CommitStore,
  path: TreePath,
  entry: TreeEntry,
): "changed" | "unreadable" | undefined {
  try {
    return holds(store, path, entry) ? undefined : "changed";
  } catch (error) {
    if (isDenied(error)) return "unreadable";
    throw error;
  }
}

function holds({ disk, state, objects }: CommitStore, path: TreePath, entry: TreeEntry): boolean {
  const place = absoluteOf(state.root, path);
  if (entry.mode === "120000") {
    const target = encodePath(disk.readlink(place));
    const bytes = typeof target === "string" ? Buffer.from(target) : target;
    return objectIdOf("blob", bytes) === entry.oid;
  }
  const descriptor = disk.open(place, openFlags.read);
  try {
    const { size } = disk.fstat(descriptor);
    const oid = hashFile(disk, descriptor, size);
    if (oid === entry.oid || oid === parsePointer(objects.read(entry.oid).bytes)?.oid) return true;
    const readBytes = (): Buffer => disk.readFile(place);
    return size <= packedContentBytesMax && isRecordedIndex(objects, path, entry.oid, readBytes);
  } finally {
    disk.close(descriptor);
  }
}
