import { tmpdir } from "node:os";
import type { ByteRange } from "../disk/data-ranges.ts";
import type { Lower, LowerFileSystem } from "../disk/lower/lower.ts";
import { openLower } from "../disk/lower/lower-open.ts";
import { NodeDisk } from "../disk/node/node-disk.ts";
import type { Stamp } from "../disk/stamp.ts";
import { ensureStateDirectory, stateDirectoryOf } from "../disk/state/state-directory.ts";
import { diskOf, isStateClosed, type Trust } from "../disk/state/state-disk.ts";
import type { TreePath } from "../disk/tree-path.ts";
import { memoryBytesMax } from "../limits.ts";
import { changeTimes } from "./calls/attributes.ts";
import { lookAgain } from "./calls/look-again.ts";
import { keepContent } from "./content/keep-content.ts";
import { sweepSpills } from "./content/spill-place.ts";
import { Core } from "./core.ts";
import { createFacade, type Facade, type OverlayFs } from "./facade/facade.ts";
import { writeUnlessSame } from "./facade/whole-file-calls.ts";
import { errorOfCall } from "./file-system-error.ts";
import { instantOf } from "./instant.ts";
import { lastingCore } from "./lasting-core.ts";
import type { Observation } from "./observations.ts";
import { type Adoptable, Adoption } from "./pending/adopt.ts";
import type { LowerNode, Pending } from "./pending/pending.ts";
import { pendingEntries } from "./pending/pending-entries.ts";
import { rebase } from "./pending/rebase.ts";
import type { Savepoint } from "./pending/undo-log.ts";
import { type UpperEntry, upperEntriesSince, upperEntryAt } from "./pending/upper-entries.ts";
import type { PolicyOptions } from "./policy.ts";

export type { OverlayFs } from "./facade/facade.ts";
export type { Observation } from "./observations.ts";
export type { Adoptable } from "./pending/adopt.ts";
export type { Savepoint } from "./pending/undo-log.ts";
export type { PolicyOptions } from "./policy.ts";

/** How to open a layer. */
export interface LayerOptions extends Trust {
  /** Absolute real path of the root. */
  readonly root: string;
  /** The file system below; the real disk by default. */
  readonly lower?: LowerFileSystem;
  /**
   * Bytes of content that are held in memory (`memory_limit`); 100 MiB by default. What is more is
   * spilled to files.
   */
  readonly memoryLimitBytes?: number;
  /**
   * Directory to spill below, on the file system of the root, so that a commit can rename from it.
   * By default the staging directory of the root's state, which is made when it is first needed;
   * for a lower that is not the real disk, and where nothing may be written to that state, the
   * system's directory for temporary files.
   */
  readonly stagingDirectory?: string;
  /** What code that uses the overlay may reach; everything below the root by default. */
  readonly policy?: PolicyOptions;
  /**
   * `"serializable"` takes down what is read of the lower, see {@link Layer.observed}; reading is
   * slower then. `"snapshot"`, the default, only stamps what a change is based on.
   */
  readonly isolation?: "snapshot" | "serializable";
}

/** Opens an empty layer over a root. Reads nothing but the root itself. */
export function openLayer(options: LayerOptions): Layer {
  return new Layer(options);
}

/** The in-memory layer over a real tree: what was changed, and a view of both together. */
export class Layer {
  readonly root: string;
  /** The merged view, in the shape of `node:fs`. */
  readonly fs: OverlayFs;
  /** Nothing that is written reaches the disk by itself. */
  readonly holdsChanges = true;
  readonly #core: Core;
  readonly #adoption: Adoption;
  readonly #facade: Facade;

  constructor(options: LayerOptions) {
    this.root = options.root;
    const lower = openLower(options.lower);
    const disk = lower.native ? diskOf(stateDirectoryOf(options.root), options) : new NodeDisk();
    const staging = stagingOf(lower.native, disk, options);
    const limitBytes = options.memoryLimitBytes ?? memoryBytesMax;
    this.#core = new Core(lower, options.root, {
      memory: { limitBytes, disk, staging },
      policy: options.policy,
      observes: options.isolation === "serializable",
    });
    if (lower.native && !isStateClosed(disk))
      sweepSpills(disk, stateDirectoryOf(options.root).staging);
    this.#adoption = new Adoption(this.#core);
    this.#facade = createFacade(this.#core);
    lastingCore();
    this.fs = this.#facade.fs;
  }

  /** The tree below, as the layer reads it. */
  get lower(): Lower {
    return this.#core.lower;
  }

  /** Grows with every change. */
  get generation(): number {
    return this.#core.tree.generation;
  }

  /**
   * Writes a file, as `fs.writeFileSync` does, unless it has this very content already.
   *
   * @returns whether it was written.
   * @throws {Error} Node's own, as `writeFile`.
   */
  writeUnlessSame(path: string, bytes: Uint8Array): boolean {
    return writeUnlessSame(this.#core, path, bytes);
  }

  /** What is pending, in tree order and in time proportional to it. */
  pending(): Iterable<Pending> {
    return pendingEntries(this.#core);
  }

  /** One entry of what is pending; `undefined` where the upper holds nothing at a path. */
  pendingAt(path: TreePath): UpperEntry | undefined {
    return upperEntryAt(this.#core, path);
  }

  /** What has changed in the upper since a generation (-1 for all); see {@link UpperEntry}. */
  pendingSince(generation: number): Iterable<UpperEntry> {
    return upperEntriesSince(this.#core, generation);
  }

  /**
   * What was read of the lower since the overlay was opened, or since the last commit or reset.
   * Empty unless `isolation` is `"serializable"`.
   */
  observed(): Iterable<Observation> {
    return this.#core.observations?.all() ?? [];
  }

  /**
   * Sets the times of a node to the nanosecond, which no call of `node:fs` can, and never through
   * a link.
   *
   * @throws {Error} Node's own, as `lutimes`.
   */
  setTimes(path: string, atimeNs: bigint, mtimeNs: bigint): void {
    const times = { atime: instantOf(atimeNs), mtime: instantOf(mtimeNs), follow: false };
    try {
      changeTimes(this.#core, path, times);
    } catch (error) {
      throw errorOfCall(error, { syscall: "lutime", path });
    }
  }

  /**
   * Absolute path of the lower directory that shows through the directory at a path, if one does.
   *
   * @throws {Error} Node's own, as `lstat`.
   */
  lowerDirectoryOf(path: string): string | undefined {
    try {
      const { found } = this.#core.resolveExisting(path, false);
      if (found.kind === "lower") return found.path;
      return found.node.kind === "directory" ? found.node.lowerPath : undefined;
    } catch (error) {
      throw errorOfCall(error, { syscall: "lstat", path });
    }
  }

  /**
   * Where an open file has data, in order; what lies between is holes.
   *
   * @throws {Fault} `EBADF` when it is not open.
   */
  dataRanges(descriptor: number): Iterable<ByteRange> {
    const { node, lowerDescriptor } = this.#core.descriptors.get(descriptor);
    if (node?.kind === "file") return node.content.dataRanges();
    if (lowerDescriptor === undefined) return [];
    const size = this.lower.sizeOf(lowerDescriptor) ?? 0;
    return this.lower.dataRanges(lowerDescriptor, size);
  }

  /** Puts one node in place exactly as given, parents before children; see {@link Adoptable}. */
  adopt(entry: Adoptable): void {
    this.#adoption.adopt(entry);
  }

  /** Resolves when the commit that is being carried out is over; `undefined` without one. */
  get idle(): Promise<void> | undefined {
    return this.#core.commits.idle;
  }

  /**
   * To be called before a commit takes down what is pending. Until the result is disposed of,
   * after {@link rebase}, which drops it, nothing can be changed: synchronous calls fail with
   * `EBUSY`, all others wait.
   *
   * @param canWait whether they may; otherwise they fail too.
   */
  hold(canWait = true): Disposable {
    return this.#core.commits.begin(canWait);
  }

  /**
   * To be called before the lower is changed by a commit: takes over what pending and open files
   * still share with files that it replaces; see {@link keepContent}.
   */
  keepContent(replaced: () => Iterable<Stamp>, settled?: ReadonlySet<TreePath>): void {
    keepContent(this.#core, replaced, settled);
  }

  /**
   * Says that the lower now holds what the upper held at these paths (all when omitted): those
   * entries are dropped and the lower is looked at afresh. Ends all savepoints.
   */
  rebase(paths?: Iterable<TreePath>): void {
    rebase(this.#core, paths);
  }

  /** To be called when a commit was taken back; see {@link lookAgain}. */
  lookAgain(): void {
    lookAgain(this.#core);
  }

  /** A point to come back to. O(1). */
  savepoint(): Savepoint {
    return this.#core.tree.undo.savepoint();
  }

  /**
   * Undoes everything since `savepoint`, and ends it.
   *
   * @throws {DraftError} `DRAFT_TRANSACTION` when it has ended already, or while a commit is being
   *   carried out.
   */
  rollback(savepoint: Savepoint): void {
    this.#core.commits.requireIdleFor("roll back");
    this.#core.tree.rollback(savepoint);
  }

  /**
   * Ends `savepoint`; what was changed since belongs to the one around it.
   *
   * @throws {DraftError} `DRAFT_TRANSACTION` when it has ended already.
   */
  release(savepoint: Savepoint): void {
    this.#core.tree.undo.release(savepoint);
  }

  /** Says which lower node a file or link that was adopted is; `undefined` for none. */
  setOrigin(path: TreePath, origin: LowerNode | undefined): void {
    this.#adoption.setOrigin(path, origin);
  }

  /** Discards everything pending. */
  reset(): void {
    this.#core.reset();
  }

  /**
   * Closes all descriptors, stops watching files, and removes what was spilled. Nothing can be
   * changed afterwards: that fails with `EROFS`.
   */
  close(): void {
    this.#core.isClosed = true;
    this.#facade.close();
    this.#core.paths.close();
    this.#core.lower.pool.close();
    this.#core.lower.forgetNames();
    this.#core.memory.place.close();
    this.#core.descriptors.closeAll();
  }
}

function stagingOf(isNative: boolean, disk: NodeDisk, options: LayerOptions): () => string {
  return () => {
    if (options.stagingDirectory !== undefined) return options.stagingDirectory;
    if (!isNative || isStateClosed(disk)) return tmpdir();
    const state = stateDirectoryOf(options.root);
    ensureStateDirectory(diskOf(state, options), state);
    return state.staging;
  };
}
