import { closeQuietly } from "../../disk/close-quietly.ts";
import type { Disk } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import type { Stamp } from "../../disk/stamp.ts";
import { type StateDirectory, stateDirectoryName } from "../../disk/state/state-directory.ts";
import { absoluteOf, type TreePath } from "../../disk/tree-path.ts";
import { copyFile, replaceByLinkOrCopy } from "../../objects/link-or-copy.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { CommitStore } from "../commit-store.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import type { Directories } from "../tree/directories.ts";
import { hashFile } from "../tree/large-content.ts";

/** Where the bytes of large content are kept, relative to the root. */
export function largePathOf(oid: ObjectId): TreePath {
  return `${stateDirectoryName}/large/${oid}`;
}

/** Where all of it lies. */
export function largeDirectoryOf(state: StateDirectory): string {
  return absoluteOf(state.root, `${stateDirectoryName}/large`);
}

/** A file that is to be kept, and what it holds. */
interface Kept {
  readonly source: string;
  readonly stamp: Stamp;
  readonly oid: ObjectId;
}

/**
 * Keeps files that no pack holds under a second name, because their first one is to be replaced.
 * One that keeps any other name is copied: whoever writes to it there would change what is kept.
 *
 * @param record of the operation that replaces them. What it writes to in place changes what is
 *   kept as well: it is told by its inode, for it may move before.
 * @returns absolute paths of copies, which are to be made durable.
 */
export function keepLargeFiles(
  { disk, state }: CommitStore,
  directories: Directories,
  files: ReadonlyMap<TreePath, ObjectId>,
  record: JournalRecord,
): string[] {
  if (files.size === 0) return [];
  const written = writtenInodesOf(record);
  const directory = largeDirectoryOf(state);
  if (disk.lstat(directory) === undefined) disk.mkdir(directory, 0o700);
  const leaving = new Map<bigint, number>();
  const all: Kept[] = [];
  for (const [path, oid] of files) {
    const source = directories.locate(path);
    const stamp = disk.lstat(source);
    // Gone since it was read: the last look before the commit point finds that out.
    if (stamp === undefined) continue;
    all.push({ source, stamp, oid });
    if (!written.has(String(stamp.ino))) leaving.set(stamp.ino, (leaving.get(stamp.ino) ?? 0) + 1);
  }
  const copies: string[] = [];
  for (const file of all) {
    const target = absoluteOf(state.root, largePathOf(file.oid));
    const names = disk.lstat(target)?.ino === file.stamp.ino ? 1 : 0;
    const isLeaving = file.stamp.nlink - names <= (leaving.get(file.stamp.ino) ?? 0);
    if (keep(disk, file, target, isLeaving)) copies.push(target);
  }
  return copies;
}

/** @returns whether the bytes were copied. */
function keep(disk: Disk, file: Kept, target: string, isLeaving: boolean): boolean {
  const found = disk.lstat(target);
  if (found !== undefined && found.ino === file.stamp.ino && isLeaving) return false;
  if (found !== undefined && holdsForItself(disk, target, found, file)) return false;
  if (isLeaving) return replaceByLinkOrCopy(disk, file.source, target);
  const next = `${target}.new`;
  if (disk.lstat(next) !== undefined) disk.unlink(next);
  copyFile(disk, file.source, next);
  disk.rename(next, target);
  return true;
}

/**
 * Whether the bytes are kept already, where nobody else writes to them. Its name alone says
 * nothing: somebody may have had the file open, or have it under another name.
 */
function holdsForItself(disk: Disk, target: string, found: Stamp, { stamp, oid }: Kept): boolean {
  if (found.nlink > 1 || found.size !== stamp.size) return false;
  const descriptor = disk.open(target, openFlags.read);
  try {
    return hashFile(disk, descriptor, found.size) === oid;
  } finally {
    closeQuietly(disk, descriptor);
  }
}

function writtenInodesOf({ steps }: JournalRecord): Set<string | undefined> {
  return new Set(steps.flatMap((step) => (step.kind === "write" ? [step.replaced.ino] : [])));
}
