import { dataPiecesOf } from "../../disk/data-pieces.ts";
import type { Disk, FileCreation } from "../../disk/disk.ts";
import { openFlags } from "../../disk/open-flags.ts";
import type { TreePath } from "../../disk/tree-path.ts";
import { assert, DraftError } from "../../errors.ts";
import { packedContentBytesMax } from "../../limits.ts";
import { ContentHash } from "../../objects/content-hash.ts";
import type { ObjectId } from "../../objects/object-id.ts";
import type { PackBuilder } from "../../objects/pack-builder.ts";
import type { Content } from "../../overlay/pending/pending.ts";
import type { JournalRecord } from "../journal/journal-record.ts";
import { Losses } from "../losses.ts";
import type { StagedItem } from "../plan/plan.ts";
import type { FileImage, NodeImage, SymlinkImage } from "../plan/step.ts";
import type { Directories } from "../tree/directories.ts";
import { firstBuffer } from "../tree/first-buffer.ts";
import { imageOf, notStored, type Stored } from "../tree/images.ts";
import { type Creator, currentCreator, giveAttributes, needsOwner } from "../tree/owner.ts";
import type { Allocator } from "./allocator.ts";
import type { WrittenHash } from "./verify-write.ts";

/** Why something could not be staged. */
export interface StagingFailure {
  /** What was to be staged. */
  readonly path: TreePath;
  readonly error: unknown;
}

/** A file or link to be staged: where it lies, what it is, and where it is to go. */
export interface StagedNode<Image = FileImage> {
  readonly path: TreePath;
  readonly slot: TreePath;
  readonly image: Image;
  /** Whether the times of the image are set. */
  readonly times: boolean;
}

/** What looks on while files are staged. Throws to stop it. */
export interface StagingChecks {
  /**
   * Sees the bytes of every small file, which are valid during the call only.
   *
   * @returns what `afterWriting` is to be given for comparison; `undefined` for no comparison.
   */
  beforeWriting(item: StagedItem, bytes: Uint8Array): bigint | undefined;
  /**
   * Sees every staged file complete, open for reading.
   *
   * @param hash what `beforeWriting` gave; of large content that was copied, its id.
   */
  afterWriting(item: StagedItem, descriptor: number, image: FileImage, hash: WrittenHash): void;
}

export interface StagerOptions {
  readonly checks?: StagingChecks | undefined;
  /** Creates the small files. */
  readonly background?: FileCreation | undefined;
  /** Whether small files and links are only noted, for {@link Stager.createNoted}. */
  readonly isLater?: boolean;
  /** Gives files their place on the disk that replace others; the background has its own. */
  readonly allocator?: Allocator;
  /** Whether large files that are whole already shall be made durable while they are hashed. */
  readonly isDurable?: boolean;
}

/**
 * Writes new files and links under provisional names, complete with mode, owner and times, so that
 * putting them in place later is one rename. Nothing is durable here; what is in no pack has to be
 * made so by {@link Stager.unsyncedPlaces}.
 */
export class Stager {
  readonly #disk: Disk;
  readonly #directories: Directories;
  #creator: Creator = currentCreator();
  readonly #checks: StagingChecks | undefined;
  readonly #background: FileCreation | undefined;
  /** By the place that the background was given. */
  readonly #begun = new Map<string, StagedNode>();
  #finished: Promise<StagingFailure | undefined> | undefined;
  #buffer = firstBuffer;
  readonly #isLater: boolean;
  readonly #noted: Noted[] = [];
  readonly #allocator: Allocator | undefined;
  readonly #isDurable: boolean;
  readonly #syncs: Promise<StagingFailure | undefined>[] = [];
  /** Whether a file was staged that no pack holds: its name must be durable before the record. */
  hasLarge = false;
  /** What staged nodes could not be given. */
  readonly losses = new Losses();
  /** Staged files that no pack holds, which must be made durable before the record is. */
  readonly unsyncedPlaces: TreePath[] = [];

  /** {@link Stager.finish} has to be awaited unless there are no options. */
  constructor(disk: Disk, directories: Directories, options: StagerOptions = {}) {
    this.#disk = disk;
    this.#directories = directories;
    this.#checks = options.checks;
    this.#background = options.background;
    this.#isLater = options.isLater ?? false;
    this.#allocator = options.allocator;
    this.#isDurable = options.isDurable ?? false;
  }

  /** How many files are made durable before {@link Stager.finish} resolves. */
  get syncs(): number {
    return this.#syncs.length;
  }

  /** Whether small files are created while the caller does something else. */
  get isInBackground(): boolean {
    return this.#background !== undefined;
  }

  /** Stages what a plan asks for; its bytes go into the pack as well, unless they are large. */
  stage(item: StagedItem, slot: TreePath, pack: PackBuilder): NodeImage {
    const { state, content, timesSet } = item.after;
    if (state.kind !== "file") {
      const image = imageOf(state, notStored);
      assert(image.kind === "symlink", "only files and links are staged");
      const link = { path: item.path, slot, image, times: timesSet };
      this.#create(link, () => this.stageLink(link));
      return image;
    }
    if (content === undefined) {
      throw new DraftError(
        "DRAFT_PLAN_INVALID",
        `Cannot stage ${item.path}: the change set does not hold its content. Nothing was touched.`,
        { path: item.path },
      );
    }
    if (content.size > packedContentBytesMax) {
      return this.#stageLarge(item, content, slot);
    }
    const bytes = this.#read(content, item.path);
    const hash = this.#checks?.beforeWriting(item, bytes);
    const stored: Stored = { oid: pack.addFile(bytes), stored: "blob" };
    const image = imageOf({ ...state, size: bytes.length }, stored) as FileImage;
    const node: StagedNode = { path: item.path, slot, image, times: timesSet };
    if (this.#begin(node, bytes)) return image;
    // Of the buffer that all are read into.
    const own = this.#isLater ? Buffer.from(bytes) : bytes;
    this.#create(node, () =>
      this.stageBytes(own, node, (descriptor, mode) =>
        this.#checks?.afterWriting(item, descriptor, { ...image, mode }, hash),
      ),
    );
    return image;
  }

  #create(node: StagedNode<NodeImage>, create: () => void): void {
    if (this.#isLater) this.#noted.push({ node, create });
    else create();
  }

  /**
   * Creates what was only noted.
   *
   * @param record what is created later than it says gets the time of the record: after a power cut
   *   it could not be told from what somebody else has made.
   * @returns why not all of it is there; `undefined` when it is.
   */
  createNoted(record: Pick<JournalRecord, "createdMs" | "stagedByMs">): StagingFailure | undefined {
    const { createdMs, stagedByMs = createdMs } = record;
    // Since they were noted, the process may have got another umask, or become somebody else.
    this.#creator = currentCreator();
    const mtimeNs = String(BigInt(Math.min(createdMs, stagedByMs)) * 1_000_000n);
    for (const { node, create } of this.#noted.splice(0)) {
      try {
        create();
        if (Date.now() <= stagedByMs || node.times) continue;
        this.#setTimes(this.#directories.locate(node.slot), { ...node.image, mtimeNs });
      } catch (error) {
        return { path: node.path, error };
      }
    }
    return undefined;
  }

  /**
   * Waits for what the background creates and dresses it. Never rejects, so that it may be awaited
   * later, and again.
   */
  finish(): Promise<StagingFailure | undefined> {
    this.#finished ??= this.#finishBegun();
    return this.#finished;
  }

  async #finishBegun(): Promise<StagingFailure | undefined> {
    const failures = await Promise.all([this.#finishSmall(), ...this.#syncs]);
    return failures.find((failure) => failure !== undefined);
  }

  async #finishSmall(): Promise<StagingFailure | undefined> {
    const failure = await this.#background?.finish();
    if (failure !== undefined) {
      const path = this.#begun.get(failure.path)?.path ?? failure.path;
      return { path, error: failure.error };
    }
    for (const node of this.#begun.values()) {
      try {
        this.#dress(node);
      } catch (error) {
        return { path: node.path, error };
      }
    }
    return undefined;
  }

  /** Leaves a file to the background, where there is one that has time for it. */
  #begin(begun: StagedNode, bytes: Uint8Array): boolean {
    if (this.#background === undefined) return false;
    const place = this.#directories.locate(begun.slot);
    if (!this.#background.add(place, begun.image.mode & 0o777, bytes)) return false;
    this.#begun.set(place, begun);
    return true;
  }

  /**
   * Stages a file of known bytes.
   *
   * @param onWritten is called with the descriptor of the complete file before it is closed, and
   *   the mode that it could be given.
   */
  stageBytes(
    bytes: Uint8Array,
    node: StagedNode,
    onWritten?: (descriptor: number, mode: number) => void,
  ): void {
    const place = this.#directories.locate(node.slot);
    const descriptor = this.#disk.open(place, openFlags.createNew, node.image.mode & 0o777);
    try {
      if (bytes.length > 0) {
        this.#allocator?.allocate(node.path, descriptor, bytes.length);
        this.#disk.write(descriptor, bytes);
      }
      const mode = this.#dress(node);
      onWritten?.(descriptor, mode);
    } finally {
      this.#disk.close(descriptor);
    }
  }

  #checkLarge(item: StagedItem, image: FileImage, slot: TreePath, hash: WrittenHash): void {
    if (this.#checks === undefined) return;
    const descriptor = this.#disk.open(this.#directories.locate(slot), openFlags.read);
    try {
      this.#checks.afterWriting(item, descriptor, image, hash);
    } finally {
      this.#disk.close(descriptor);
    }
  }

  stageLink({ path, slot, image, times }: StagedNode<SymlinkImage>): void {
    const place = this.#directories.locate(slot);
    this.#disk.symlink(image.target, place);
    const owner = needsOwner(this.#creator, image);
    this.losses.addOwner(path, giveAttributes(this.#disk, place, image, { owner }).loss);
    if (times) this.#setTimes(place, image);
  }

  /**
   * Mode, owner and times of a staged file, as far as creating it did not give them.
   *
   * @returns the mode that it could be given.
   */
  #dress({ path, slot, image, times }: StagedNode): number {
    const isForeign = needsOwner(this.#creator, image);
    // Changing the owner clears setuid and setgid, so the mode comes after it.
    const isMasked = (image.mode & (this.#creator.umask | 0o7000)) !== 0;
    const needsMode = isMasked || isForeign || image.stored === "large";
    if (!needsMode && !times) return image.mode;
    const place = this.#directories.locate(slot);
    const wish = { owner: isForeign, mode: needsMode ? image.mode : undefined };
    const { mode, loss } = giveAttributes(this.#disk, place, image, wish);
    this.losses.addOwner(path, loss);
    if (times) this.#setTimes(place, image);
    return mode ?? image.mode;
  }

  #setTimes(place: string, image: NodeImage): void {
    const mtimeNs = BigInt(image.mtimeNs);
    this.#disk.lutimes(place, mtimeNs, mtimeNs);
  }

  /** The bytes of a small content; valid until the next one is read. */
  #read(content: Content, path: TreePath): Uint8Array {
    if (this.#buffer.length < content.size) this.#buffer = Buffer.allocUnsafeSlow(content.size);
    let filled = 0;
    while (filled < content.size) {
      const bytesRead = content.read(this.#buffer.subarray(filled, content.size), filled);
      if (bytesRead === 0) throw changedWhileRead(path, content.size, filled);
      filled += bytesRead;
    }
    return this.#buffer.subarray(0, filled);
  }

  /** Takes a spilled file over by a second name, or copies what is large piece by piece. */
  #stageLarge(item: StagedItem, content: Content, slot: TreePath): FileImage {
    const place = this.#directories.locate(slot);
    const { state, timesSet } = item.after;
    const facts = { ...state, size: content.size };
    const dress = (): number => {
      const image = imageOf(facts, { oid: "", stored: "large" }) as FileImage;
      return this.#dress({ path: item.path, slot, image, times: timesSet });
    };
    const isWhole = content.spilled !== undefined && this.#tryLink(content.spilled, place);
    const descriptor = isWhole && this.#isDurable ? this.#disk.open(place, openFlags.read) : -1;
    let mode = isWhole ? dress() : 0;
    if (descriptor >= 0) this.#syncs.push(this.#syncAndClose(descriptor, item.path));
    else this.unsyncedPlaces.push(slot);
    const oid = this.#hashLarge(content, slot, isWhole);
    if (!isWhole) mode = dress();
    const image = imageOf(facts, { oid, stored: "large" }) as FileImage;
    this.hasLarge = true;
    // One that was written before has its id from what lies there.
    this.#checkLarge(item, { ...image, mode }, slot, isWhole ? undefined : oid);
    return image;
  }

  async #syncAndClose(descriptor: number, path: TreePath): Promise<StagingFailure | undefined> {
    try {
      await this.#disk.fsync(descriptor);
      return undefined;
    } catch (error) {
      return { path, error };
    } finally {
      this.#disk.close(descriptor);
    }
  }

  /** Hashes a large content and, unless it is at its place already, copies it there, holes too. */
  #hashLarge(content: Content, slot: TreePath, isWhole: boolean): ObjectId {
    const place = this.#directories.locate(slot);
    const descriptor = isWhole ? undefined : this.#disk.open(place, openFlags.createNew, 0o600);
    try {
      const hash = new ContentHash(content.size);
      const onEnd = (end: number): never => {
        throw changedWhileRead(slot, content.size, end);
      };
      let written = 0;
      for (const { bytes, position } of dataPiecesOf(content, onEnd)) {
        hash.update(bytes, position);
        if (descriptor !== undefined) this.#disk.write(descriptor, bytes, position);
        written = position + bytes.length;
      }
      if (descriptor !== undefined && written < content.size) {
        this.#disk.truncate(descriptor, content.size);
      }
      return hash.digest();
    } finally {
      if (descriptor !== undefined) this.#disk.close(descriptor);
    }
  }

  #tryLink(source: string, target: string): boolean {
    try {
      // With a name elsewhere already (a copy's, a draft's), two files would become one.
      if (this.#disk.lstat(source)?.nlink !== 1) return false;
      this.#disk.link(source, target);
      return true;
    } catch {
      // Another file system, or one without links: copying is always possible.
      return false;
    }
  }
}

interface Noted {
  readonly node: StagedNode<NodeImage>;
  readonly create: () => void;
}

function changedWhileRead(path: TreePath, size: number, end: number): DraftError {
  return new DraftError(
    "DRAFT_COMMIT_FAILED",
    `Cannot stage ${path}: its content of ${size} bytes ends after ${end}. It changed while it ` +
      "was read; nothing was touched. Try again.",
    { path },
  );
}
