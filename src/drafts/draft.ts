import { randomUUID } from "node:crypto";
import { ContentIndex } from "../commit/change-set/content-index.ts";
import type { RootLock } from "../commit/lock/lock.ts";
import type { Disk } from "../disk/disk.ts";
import { openFlags } from "../disk/open-flags.ts";
import type { StateDirectory } from "../disk/state/state-directory.ts";
import { readingStateFile } from "../disk/state/state-file.ts";
import { assert, DraftError } from "../errors.ts";
import { draftDataFilesMax } from "../limits.ts";
import type { Layer } from "../overlay/layer.ts";
import type { Content, Pending } from "../overlay/pending/pending.ts";
import { withBaseContents } from "./base-contents.ts";
import { ContentWriter } from "./content-writer.ts";
import type { DraftCommand } from "./draft-command.ts";
import { entriesOf, filesOf } from "./draft-entries.ts";
import {
  type DraftEntry,
  type DraftHeader,
  type DraftIndex,
  decodeDraftIndex,
  draftFormatVersion,
  encodeDraftIndex,
  type StoredContent,
} from "./draft-index.ts";
import { holdDraftLock } from "./draft-lock.ts";
import { checkDraftName } from "./draft-name.ts";
import { type DeviceChange, EntryReader } from "./entry-reader.ts";
import { ContentFiles } from "./stored-content.ts";

type Extent = Extract<StoredContent, { kind: "stored" }>;

export interface OpenDraftOptions {
  /** Hold the draft for writing; without it, it can only be restored. Default: true. */
  readonly lock?: boolean;
  /** What is known of the files that it is based on; it learns what a save reads of them. */
  readonly contents?: ContentIndex;
}

/**
 * A named overlay on disk, in `.draftfs/drafts/<name>/`.
 *
 * Invariants:
 *  1. `index` is only ever replaced by rename, after everything it names is durable: a crash at any
 *     point leaves the previous state of the draft whole.
 *  2. A file that the index names is never written again. Files that it does not name are debris.
 *  3. One process at a time may save; others are refused with `DRAFT_LOCKED`, they never wait and
 *     never overwrite. Reading needs no lock.
 */
export class Draft {
  readonly name: string;
  readonly directory: string;
  private readonly disk: Disk;
  private readonly state: StateDirectory;
  private readonly files: ContentFiles;
  private readonly lock: RootLock | undefined;
  private readonly contents: ContentIndex;
  private header: DraftHeader | undefined;
  private entries: readonly DraftEntry[];
  /** Where the bytes of content objects are stored already, so that a save need not copy them. */
  private readonly extents = new WeakMap<Content, Extent>();

  private constructor(
    disk: Disk,
    state: StateDirectory,
    name: string,
    { lock, contents }: Pick<OpenDraftOptions, "contents"> & { lock: RootLock | undefined },
  ) {
    this.disk = disk;
    this.contents = contents ?? new ContentIndex();
    this.state = state;
    this.name = name;
    this.directory = draftDirectoryOf(state, name);
    this.lock = lock;
    this.files = new ContentFiles(disk, this.directory);
    const index = readIndex(disk, this.directory, name);
    this.header = index?.header;
    this.entries = index?.entries ?? [];
    for (const file of filesOf(this.entries)) {
      if (file.startsWith("data-")) this.files.descriptorOf(file);
    }
  }

  /**
   * Opens a draft, existing or not; writes nothing but the lock and what it lies in.
   *
   * @throws {DraftError} `DRAFT_DRAFT_NAME`; `DRAFT_LOCKED` when another process holds it;
   *   `DRAFT_FORMAT_CORRUPT` and `DRAFT_FORMAT_NEWER` when its index cannot be read.
   */
  static async open(
    disk: Disk,
    state: StateDirectory,
    name: string,
    options: OpenDraftOptions = {},
  ): Promise<Draft> {
    checkDraftName(name);
    const lock = options.lock === false ? undefined : await holdDraftLock(disk, state, name);
    try {
      return openConsistently(name, () => new Draft(disk, state, name, { ...options, lock }));
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  /**
   * Removes a saved draft without reading it, and what a killed process has left in its place.
   *
   * @returns whether anything was saved.
   * @throws {DraftError} `DRAFT_DRAFT_NAME`, `DRAFT_LOCKED`.
   */
  static async discard(disk: Disk, state: StateDirectory, name: string): Promise<boolean> {
    checkDraftName(name);
    const directory = draftDirectoryOf(state, name);
    const lock = await holdDraftLock(disk, state, name);
    try {
      return clearDirectory(disk, directory);
    } finally {
      lock.release();
      removeEmpty(disk, directory);
    }
  }

  /** Entries in the saved state. */
  get size(): number {
    return this.entries.length;
  }

  /** Identifies the saved state; `undefined` when there is none. New with every save. */
  get token(): string | undefined {
    return this.header?.token;
  }

  /** The commands that made what is saved, oldest first. */
  get commands(): readonly DraftCommand[] {
    return this.header?.commands ?? [];
  }

  /** Puts everything saved into an empty layer. Content is read when it is needed. */
  restoreInto(layer: Layer): void {
    const reader = new EntryReader({
      disk: this.disk,
      root: this.state.root,
      files: this.files,
      device: this.deviceChange(),
      stored: (content, extent) => this.extents.set(content, extent),
    });
    for (const entry of this.entries) layer.adopt(reader.adoptableOf(entry));
  }

  /**
   * Replaces the saved state by what is pending in `layer`, durably; removes it when nothing is.
   *
   * @param layer what is pending; a part of a layer's where the rest is not to be saved.
   * @param commands those that made it, for {@link Draft.commands}.
   * @throws Node's own error when the disk refuses (full, read-only); the previous saved state is
   *   whole then.
   */
  async save(layer: Pick<Layer, "pending">, commands: readonly DraftCommand[] = []): Promise<void> {
    assert(this.lock !== undefined, "a draft is opened for writing before it is changed");
    const pending = [...layer.pending()];
    if (pending.length === 0) {
      this.clear();
      return;
    }
    const generation = (this.header?.generation ?? 0) + 1;
    sweep(this.disk, this.directory, filesOf(this.entries));
    const writer = new ContentWriter(this.disk, this.directory, generation);
    try {
      const stored = new Map<Content, Extent>();
      const reusable = this.reusable(pending);
      const saved = entriesOf(pending, (content) => {
        const extent = reusable(content) ?? writer.add(content);
        stored.set(content, extent);
        return extent;
      });
      const entries = withBaseContents(this.disk, this.state.root, saved, this.contents);
      await writer.finish();
      const header = { ...this.headerFor(generation, entries.length), commands };
      await this.publish({ header, entries });
      for (const [content, extent] of stored) this.extents.set(content, extent);
    } finally {
      writer.close();
      sweep(this.disk, this.directory, filesOf(this.entries));
    }
  }

  /** Forgets the saved state. The index goes first: the rest is debris from then on. */
  clear(): void {
    assert(this.lock !== undefined, "a draft is opened for writing before it is changed");
    clearDirectory(this.disk, this.directory);
    this.header = undefined;
    this.entries = [];
  }

  /** Closes the files and lets another process have the draft. */
  close(): void {
    this.files.close();
    if (this.lock === undefined) return;
    this.lock.release();
    if (this.entries.length === 0) removeEmpty(this.disk, this.directory);
  }

  private async publish(index: DraftIndex): Promise<void> {
    const next = `${this.directory}/index.new`;
    await withDescriptor(this.disk, next, openFlags.createOrTruncate, async (descriptor) => {
      this.disk.write(descriptor, encodeDraftIndex(index));
      await this.disk.fsync(descriptor);
    });
    this.disk.rename(next, `${this.directory}/index`);
    this.header = index.header;
    this.entries = index.entries;
    await withDescriptor(this.disk, this.directory, openFlags.readDirectory, (descriptor) =>
      this.disk.fsync(descriptor),
    );
  }

  private headerFor(generation: number, entries: number): Omit<DraftHeader, "commands"> {
    const root = this.disk.lstat(this.state.root);
    return {
      generation,
      token: randomUUID(),
      savedMs: Date.now(),
      entries,
      rootDev: root?.dev ?? 0n,
      rootIno: root?.ino ?? 0n,
    };
  }

  /**
   * The stored bytes that the next generation can go on naming: those of untouched entries, in
   * data files that are still mostly in use and not too many.
   */
  private reusable(pending: readonly Pending[]): (content: Content) => Extent | undefined {
    const usedBytes = new Map<string, number>();
    for (const entry of pending) {
      const extent = entry.kind === "file" ? this.extents.get(entry.content) : undefined;
      if (extent === undefined) continue;
      usedBytes.set(extent.file, (usedBytes.get(extent.file) ?? 0) + extent.size);
    }
    const kept = new Set<string>();
    for (const [file, bytes] of usedBytes) {
      const size = this.disk.lstat(this.files.pathOf(file))?.size;
      if (size !== undefined && bytes * 2 >= size) kept.add(file);
    }
    const dataFiles = [...kept].filter((file) => file.startsWith("data-"));
    if (dataFiles.length >= draftDataFilesMax) for (const file of dataFiles) kept.delete(file);
    return (content) => {
      const extent = this.extents.get(content);
      return extent !== undefined && kept.has(extent.file) ? extent : undefined;
    };
  }

  /** Devices are renumbered by a reboot: the root's own number tells how. */
  private deviceChange(): DeviceChange | undefined {
    const root = this.disk.lstat(this.state.root);
    if (this.header === undefined || root === undefined) return undefined;
    const { rootDev, rootIno } = this.header;
    return rootIno === root.ino && rootDev !== root.dev
      ? { from: rootDev, to: root.dev }
      : undefined;
  }
}

/** The directory of the draft `name`. */
export function draftDirectoryOf(state: StateDirectory, name: string): string {
  return `${state.drafts}/${name}`;
}

/** The saved index of a draft, `undefined` when nothing is saved. */
export function readIndex(disk: Disk, directory: string, name: string): DraftIndex | undefined {
  const path = `${directory}/index`;
  if (disk.lstat(path) === undefined) return undefined;
  const index = decodeDraftIndex(readingStateFile(path, () => disk.readFile(path)));
  if (!("kind" in index)) return index;
  if (index.kind === "newer") {
    throw new DraftError(
      "DRAFT_FORMAT_NEWER",
      `The draft ${name} was saved by a newer draftfs (format ${index.version}, this one reads ` +
        `up to ${draftFormatVersion}). Nothing was touched. Update draftfs, or use another draft.`,
      { path },
    );
  }
  throw damaged(name, path, index.reason);
}

function damaged(name: string, path: string, reason: string): DraftError {
  return new DraftError(
    "DRAFT_FORMAT_CORRUPT",
    `Cannot read the draft ${name}: ${reason}. Nothing was touched. Restore ${path} from a ` +
      `backup, or throw the draft away with draftfs discard --draft ${name}.`,
    { path },
  );
}

/**
 * Another process may replace the draft between reading the index and opening what it names; then
 * a newer index is there.
 */
function openConsistently(name: string, open: () => Draft): Draft {
  for (let attempt = 1; ; attempt++) {
    try {
      return open();
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT") throw error;
      if (attempt === 3) throw damaged(name, path ?? "", `${path} is missing`);
    }
  }
}

/** @returns whether anything was saved. */
function clearDirectory(disk: Disk, directory: string): boolean {
  const path = `${directory}/index`;
  const isSaved = disk.lstat(path) !== undefined;
  if (isSaved) readingStateFile(path, () => disk.unlink(path));
  sweep(disk, directory, new Set());
  return isSaved;
}

/** Removes what a crash or an earlier generation left: only names that a save writes. */
function sweep(disk: Disk, directory: string, named: ReadonlySet<string>): void {
  for (const { name } of disk.readdir(directory)) {
    const ours = name === "index.new" || /^(data|file)-[0-9-]+$/.test(name);
    if (ours && !named.has(name)) disk.unlink(`${directory}/${name}`);
  }
}

/** Another process may be taking the draft: then its directory is not empty, and stays. */
function removeEmpty(disk: Disk, directory: string): void {
  try {
    disk.rmdir(directory);
  } catch {
    // Not empty.
  }
}

async function withDescriptor(
  disk: Disk,
  path: string,
  flags: number,
  use: (descriptor: number) => Promise<void>,
): Promise<void> {
  const descriptor = disk.open(path, flags, 0o600);
  try {
    await use(descriptor);
  } finally {
    disk.close(descriptor);
  }
}
