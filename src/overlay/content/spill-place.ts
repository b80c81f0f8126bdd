import type { Disk } from "../../disk/disk.ts";
import { constants } from "../../disk/lower/lower-classes.ts";
import { isNameGone, processNameOf, processNamePattern } from "../../disk/process-identity.ts";
import { assert } from "../../errors.ts";
import { Fault } from "../file-system-error.ts";
import { SpillPool } from "./spill-pool.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/** An open file of the place. Apart from `SpillFile`, so that it can outlive it. */
interface Handle {
  readonly path: string;
  /** Negative once it is closed: the kernel hands the number out again. */
  descriptor: number;
  /** Whether its only name is one in the tree. */
  isCommitted: boolean;
}

/**
 * A file outside of the tree that holds content for which memory was too small.
 *
 * Invariant: it belongs to the pool or to one content. Only that one writes to it, and cuts it, and
 * only as long as nobody else can read it: neither a copy of the content, nor a commit that gave
 * the file a name in the tree.
 */
export class SpillFile {
  readonly #disk: Disk;
  readonly #handle: Handle;
  #length = 0;
  #isFrozen = false;

  constructor(disk: Disk, handle: Handle) {
    this.#disk = disk;
    this.#handle = handle;
  }

  /** Where it lies; `undefined` when it is a file of the tree by now. */
  get path(): string | undefined {
    return this.#handle.isCommitted ? undefined : this.#handle.path;
  }

  /** How long it is, in bytes. */
  get length(): number {
    return this.#length;
  }

  /** Whether it stays as it is. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** From now on others read it: nothing is written to it any more. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Writes at a position of the caller's choice. */
  write(bytes: Uint8Array, position: number): void {
    assert(!this.#isFrozen, "a spilled file that others read is not written to");
    this.#disk.write(this.#descriptor, bytes, position);
    this.#length = Math.max(this.#length, position + bytes.length);
  }

  /** Fills `buffer`. @throws {Fault} `EIO` when the file is shorter than it was written. */
  read(buffer: Uint8Array, position: number): void {
    const count = this.#disk.read(this.#descriptor, buffer, position);
    if (count === buffer.length) return;
    throw new Fault("EIO", { reason: "a file of spilled content was cut by another program" });
  }

  /** Makes the file exactly this long. */
  truncate(size: number): void {
    assert(!this.#isFrozen, "a spilled file that others read is not cut");
    this.#disk.truncate(this.#descriptor, size);
    this.#length = size;
  }

  get #descriptor(): number {
    const { descriptor } = this.#handle;
    if (descriptor >= 0) return descriptor;
    throw new Fault("EBADF", { reason: "the overlay that held these bytes was closed" });
  }
}

/**
 * The directory of one overlay for spilled content. It carries the identity of its process, so that
 * the next overlay can tell what a crash has left. Files that nobody reads any more vanish with
 * their last reader.
 */
export class SpillPlace {
  readonly #disk: Disk;
  readonly #staging: () => string;
  #directory: string | undefined;
  #count = 0;
  #pool: SpillPool | undefined;
  readonly #open = new Set<Handle>();
  readonly #abandoned: FinalizationRegistry<Handle>;

  /** @param staging creates, when first asked, the directory to spill below, and names it. */
  constructor(disk: Disk, staging: () => string) {
    this.#disk = disk;
    this.#staging = staging;
    this.#abandoned = new FinalizationRegistry((handle) => this.#discard(handle));
  }

  /** A new file of one content's own. */
  create(): SpillFile {
    const path = `${this.#place()}/${this.#count++}`;
    const descriptor = this.#disk.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    const handle = { path, descriptor, isCommitted: false };
    const file = new SpillFile(this.#disk, handle);
    this.#open.add(handle);
    this.#abandoned.register(file, handle);
    return file;
  }

  /** What contents share that have no file of their own. */
  get pool(): SpillPool {
    this.#pool ??= new SpillPool(this.create());
    return this.#pool;
  }

  /**
   * Takes away the names here of files that a commit gave a name in the tree: with two, they would
   * be taken for hard links, which are written in place. Whoever has one open can still read it.
   */
  releaseCommitted(): void {
    for (const handle of this.#open) {
      if (handle.isCommitted || this.#disk.fstat(handle.descriptor).nlink < 2) continue;
      this.#disk.unlink(handle.path);
      handle.isCommitted = true;
    }
  }

  /** Removes everything that was spilled. */
  close(): void {
    this.#pool = undefined;
    for (const handle of [...this.#open]) this.#discard(handle);
    if (this.#directory === undefined) return;
    this.#disk.rmdir(this.#directory);
    this.#directory = undefined;
  }

  #discard(handle: Handle): void {
    if (!this.#open.delete(handle)) return;
    this.#disk.close(handle.descriptor);
    handle.descriptor = -1;
    if (handle.isCommitted) return;
    // A commit may have renamed it into the tree.
    if (this.#disk.lstat(handle.path) !== undefined) this.#disk.unlink(handle.path);
  }

  #place(): string {
    if (this.#directory !== undefined) return this.#directory;
    const staging = this.#staging();
    sweepSpills(this.#disk, staging);
    for (let serial = 0; ; serial++) {
      const path = `${staging}/spill-${processNameOf(this.#disk)}-${serial}`;
      if (this.#disk.lstat(path) !== undefined) continue;
      this.#disk.mkdir(path, 0o700);
      this.#directory = path;
      return path;
    }
  }
}

/** Removes what overlays of dead processes have spilled below `staging`. */
export function sweepSpills(disk: Disk, staging: string): void {
  if (disk.lstat(staging)?.kind !== "directory") return;
  for (const { name, kind } of disk.readdir(staging)) {
    const owner = spillPattern.exec(name)?.[1];
    if (owner === undefined || kind !== "directory" || !isNameGone(disk, owner)) continue;
    try {
      removeSpill(disk, `${staging}/${name}`);
    } catch (error) {
      // Another overlay is removing it as well.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

const spillPattern = new RegExp(`^spill-(${processNamePattern})-\\d+$`);

function removeSpill(disk: Disk, place: string): void {
  for (const { name } of disk.readdir(place)) disk.unlink(`${place}/${name}`);
  disk.rmdir(place);
}
