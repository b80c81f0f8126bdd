import type { Disk } from "../disk/disk.ts";
import type { StateDirectory } from "../disk/state/state-directory.ts";
import { isDraftError } from "../errors.ts";
import { Draft, draftDirectoryOf, readIndex } from "./draft.ts";
import { checkDraftName, isDraftName } from "./draft-name.ts";

/** What is known of a saved draft without loading it. */
export interface DraftSummary {
  readonly name: string;
  /** Entries of the overlay that are saved: changed, added and deleted nodes. */
  readonly entries: number;
  /** When it was saved, in milliseconds since the epoch. */
  readonly savedMs: number;
  /** Bytes on disk, as files count them. */
  readonly bytes: number;
  /** Why it cannot be read, when that is so. */
  readonly fault: string | undefined;
}

/** The saved drafts of a root, by name. */
export function listDrafts(disk: Disk, state: StateDirectory): DraftSummary[] {
  if (disk.lstat(state.drafts) === undefined) return [];
  return disk
    .readdir(state.drafts)
    .filter(({ name, kind }) => kind === "directory" && isDraftName(name))
    .map(({ name }) => findSummary(disk, state, name))
    .filter((summary) => summary !== undefined)
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

/**
 * Removes a saved draft, whether it can be read or not.
 *
 * @returns whether there was one.
 * @throws {DraftError} `DRAFT_DRAFT_NAME`, `DRAFT_LOCKED` when a process uses it.
 */
export async function removeDraft(
  disk: Disk,
  state: StateDirectory,
  name: string,
): Promise<boolean> {
  checkDraftName(name);
  const directory = draftDirectoryOf(state, name);
  if (disk.lstat(directory) === undefined) return false;
  const isSaved = disk.lstat(`${directory}/index`) !== undefined;
  try {
    return await Draft.discard(disk, state, name);
  } catch (error) {
    // There was nothing to remove: somebody works there, or the disk keeps what a dead one left.
    if (!isSaved && isDraftError(error)) return false;
    throw error;
  }
}

/** `undefined` also when another process commits or discards it while it is looked at. */
function findSummary(disk: Disk, state: StateDirectory, name: string): DraftSummary | undefined {
  try {
    return summaryOf(disk, state, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function summaryOf(disk: Disk, state: StateDirectory, name: string): DraftSummary | undefined {
  const directory = draftDirectoryOf(state, name);
  try {
    const index = readIndex(disk, directory, name);
    if (index === undefined) return undefined;
    const { entries, savedMs } = index.header;
    return { name, entries, savedMs, bytes: bytesIn(disk, directory), fault: undefined };
  } catch (error) {
    if (!isDraftError(error)) throw error;
    const savedMs = Number((disk.lstat(`${directory}/index`)?.mtimeNs ?? 0n) / 1_000_000n);
    const bytes = bytesIn(disk, directory);
    return { name, entries: 0, savedMs, bytes, fault: error.message };
  }
}

function bytesIn(disk: Disk, directory: string): number {
  const sizes = disk.readdir(directory).map(({ name }) => disk.lstat(`${directory}/${name}`)?.size);
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}
