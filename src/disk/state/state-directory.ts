import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { join } from "node:path";
import { DraftError } from "../../errors.ts";
import { clearDefaultAccess } from "../access-list.ts";
import type { Disk } from "../disk.ts";
import { homeDirectory } from "../home-directory.ts";
import { isUntouched, type Stamp } from "../stamp.ts";
import { readingStateFile } from "./state-file.ts";

/** Name of the state directory at the root; hidden from the overlay's own view. */
export const stateDirectoryName = ".draftfs";

/** Version of the on-disk format that this code reads and writes; see `docs/format.md`. */
export const formatVersion = 1;

/** All file names of the state directory, in one place. */
export interface StateDirectory {
  readonly root: string;
  readonly path: string;
  readonly format: string;
  readonly lock: string;
  readonly journal: string;
  readonly journalCurrent: string;
  readonly journalNext: string;
  readonly journalSlots: string;
  readonly journalProgress: string;
  readonly journalVolatile: string;
  readonly staging: string;
  readonly checkpoints: string;
  readonly drafts: string;
  readonly conflicts: string;
  /** Copies of the tree that commands run in, where nothing better isolates them. */
  readonly clones: string;
}

/** The names of the state directory of `root`; touches nothing. */
export function stateDirectoryOf(root: string): StateDirectory {
  const path = join(root, stateDirectoryName);
  const journal = join(path, "journal");
  return {
    root,
    path,
    format: join(path, "format"),
    lock: join(path, "lock"),
    journal,
    journalCurrent: join(journal, "current"),
    journalNext: join(journal, "next"),
    journalSlots: join(journal, "slots"),
    journalProgress: join(journal, "progress"),
    journalVolatile: join(journal, "volatile"),
    staging: join(path, "staging"),
    checkpoints: join(path, "checkpoints.git"),
    drafts: join(path, "drafts"),
    conflicts: join(path, "conflicts"),
    clones: join(path, "clones"),
  };
}

/** The pack of journal record `sequence`. */
export function journalPackOf(state: StateDirectory, sequence: number): string {
  return join(state.journal, `${sequence}.pack`);
}

/** Whether a directory is a root only when that is forced: `/` and the home directory. */
export function isGuarded(root: string): boolean {
  return root === "/" || root === homeDirectory();
}

/**
 * Looks at the format of a state directory without changing it.
 *
 * @returns whether there is one.
 * @throws {DraftError} `DRAFT_FORMAT_NEWER` when a later version wrote it, `DRAFT_FORMAT_CORRUPT`
 *   when the format file is not what any version writes.
 */
export function hasStateDirectory(disk: Disk, state: StateDirectory): boolean {
  const format = disk.lstat(state.format);
  const seen = known.get(state);
  if (format !== undefined && seen !== undefined && isUntouched(format, seen)) return true;
  const exists = readStateDirectory(disk, state);
  if (exists && format !== undefined) known.set(state, format);
  return exists;
}

/** The format files that were whole, and ours, when this process last read them. */
const known = new WeakMap<StateDirectory, Stamp>();

function readStateDirectory(disk: Disk, state: StateDirectory): boolean {
  const found = disk.lstat(state.path);
  if (found === undefined) return false;
  if (found.kind !== "directory") throw corrupt(state, `${state.path} is a ${found.kind}`);
  let text = readFormat(disk, state);
  if (isTorn(text)) {
    // Creation writes the format file last, and the first commit makes it durable before its
    // record: without history, creation was interrupted there, by a kill or a power cut.
    const hasHistory = [state.journalCurrent, state.checkpoints].some((path) => disk.lstat(path));
    if (!hasHistory) return false;
    // Another process may have created it, and committed, since the first look.
    text = readFormat(disk, state);
  }
  if (isTorn(text)) {
    throw corrupt(state, `its format file is ${text === "" ? "missing or empty" : "torn"}`);
  }
  const version = /^draftfs (\d{1,9})\n$/.exec(text)?.[1];
  if (version === undefined) throw corrupt(state, "its format file is damaged");
  if (Number(version) > formatVersion) {
    throw new DraftError(
      "DRAFT_FORMAT_NEWER",
      `${state.path} was written by a newer draftfs (format ${version}, this one reads up to ` +
        `${formatVersion}). Nothing was touched. Update draftfs, or use the newer one here.`,
      { path: state.path },
    );
  }
  return true;
}

function readFormat(disk: Disk, state: StateDirectory): string {
  if (disk.lstat(state.format) === undefined) return "";
  return readingStateFile(state.format, () => disk.readFile(state.format)).toString("utf8");
}

/** Whether a format file is what a power cut may make of one: a part of it, and zeros. */
function isTorn(text: string): boolean {
  const whole = `draftfs ${formatVersion}\n`;
  return text !== whole && whole.startsWith(text.replace(/\0+$/, ""));
}

/**
 * Creates the state directory where it is missing. The format file comes last: it makes it one.
 * Several processes may do so at the same time.
 */
export function ensureStateDirectory(disk: Disk, state: StateDirectory): void {
  const exists = hasStateDirectory(disk, state);
  // Before the first record nothing is durable: a power cut may have kept any part of the creation.
  if (exists && disk.lstat(state.journalCurrent) !== undefined) return;
  const directories = [state.path, state.journal, state.staging, state.drafts, state.conflicts];
  for (const directory of directories) {
    if (disk.lstat(directory) !== undefined) continue;
    makeDirectory(disk, directory);
    if (directory === state.path) refuseUmask(disk, directory);
    // Files that spill into it are put in place by rename, and are to have none of it.
    if (directory === state.path) clearDefaultAccess(disk, directory);
  }
  if (exists) return;
  writeNew(disk, join(state.path, ".gitignore"), "*\n");
  const next = `${state.format}.${randomBytes(9).toString("hex")}.new`;
  writeNew(disk, next, `draftfs ${formatVersion}\n`);
  const made = disk.lstat(next);
  disk.rename(next, state.format);
  const format = disk.lstat(state.format);
  if (format !== undefined && format.ino === made?.ino) known.set(state, format);
}

/** A state directory that its owner could not enter would have to be repaired by hand. */
function refuseUmask(disk: Disk, path: string): void {
  if (((disk.lstat(path)?.mode ?? 0o700) & 0o700) === 0o700) return;
  disk.rmdir(path);
  throw withoutOwnRights(path);
}

/** The error for what was made, and its owner may not use. */
export function withoutOwnRights(path: string): DraftError {
  return new DraftError(
    "DRAFT_STATE_UNUSABLE",
    `Cannot write to ${path}: the umask takes from us what we make ourselves, and nothing could ` +
      "be read again. Nothing was touched. Set another one: umask 022, or 077.",
    { path, details: { level: "operation_failure" } },
  );
}

function makeDirectory(disk: Disk, path: string): void {
  try {
    disk.mkdir(path, 0o700);
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
    if (!isThere || disk.lstat(path)?.kind !== "directory") throw error;
  }
}

function writeNew(disk: Disk, path: string, text: string): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const descriptor = disk.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644);
  try {
    disk.write(descriptor, Buffer.from(text));
  } finally {
    disk.close(descriptor);
  }
}

function corrupt(state: StateDirectory, reason: string): DraftError {
  return new DraftError(
    "DRAFT_FORMAT_CORRUPT",
    `Cannot read the state directory ${state.path}: ${reason}. Nothing was touched. ` +
      "If you do not need its drafts and checkpoints, move it away; its history can still be " +
      `read with git --git-dir=${state.checkpoints} log.`,
    { path: state.path },
  );
}
