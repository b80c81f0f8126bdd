import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import { settleJournal } from "../journal/settle.ts";
import type { Step } from "../plan/step.ts";
import { largePathOf } from "../stage/keep-large.ts";
import { Directories } from "../tree/directories.ts";

type LargeFile = readonly [path: TreePath, oid: ObjectId];

/**
 * Takes the second names that a commit has given to large files away from those that are in the
 * tree all the same, because it was given up or taken back: what is written to them there would
 * change what is kept, and a file of two names is not replaced but written in place.
 *
 * Best effort: what stays is replaced when the same bytes are to be kept again, and removed by gc.
 */
export function partKept(store: CommitStore, files: Iterable<LargeFile>): void {
  try {
    for (const path of sharedPlaces(store, files)) store.disk.unlink(path);
  } catch {
    // It is not what the caller has to tell of.
  }
}

/** {@link partKept} for an operation that was taken back: its record may need them until then. */
export async function partTakenBack(store: CommitStore, record: JournalRecord): Promise<void> {
  const files = largeFilesOf(record);
  if (files.length === 0) return;
  try {
    await settleJournal(store, { isApplied: true });
  } catch {
    // Then the record stays in force, and needs them.
    return;
  }
  partKept(store, files);
}

/** The large files that an operation puts in place, or replaces. */
export function largeFilesOf({ steps }: JournalRecord): LargeFile[] {
  return steps.flatMap(largeFilesOfStep);
}

function largeFilesOfStep(step: Step): LargeFile[] {
  const nodes =
    step.kind === "attributes" || step.kind === "park"
      ? []
      : step.kind === "remove" || step.kind === "mkdir"
        ? [step.node]
        : [step.node, step.replaced];
  return nodes.flatMap((node) =>
    node?.kind === "file" && node.stored === "large" ? [[step.path, node.oid] as const] : [],
  );
}

function sharedPlaces({ disk, state }: CommitStore, files: Iterable<LargeFile>): string[] {
  using directories = new Directories(disk, state.root);
  const shared = new Set<string>();
  for (const [path, oid] of files) {
    const kept = absoluteOf(state.root, largePathOf(oid));
    const ino = disk.lstat(kept)?.ino;
    if (ino !== undefined && directories.find(path)?.ino === ino) shared.add(kept);
  }
  return [...shared];
}
