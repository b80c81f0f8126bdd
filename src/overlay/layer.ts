import type { LowerFileSystem } from "../disk/lower.ts";
import { openLower } from "../disk/lower-open.ts";
import type { TreePath } from "../disk/tree-path.ts";
import { type Adoptable, Adoption } from "./adopt.ts";
import { Core } from "./core.ts";
import { createFacade, type Facade, type OverlayFs } from "./facade/facade.ts";
import type { Pending } from "./pending.ts";
import { pendingEntries } from "./pending-entries.ts";
import { rebase } from "./rebase.ts";
import type { Savepoint } from "./undo-log.ts";

export type { Adoptable } from "./adopt.ts";
export type { OverlayFs } from "./facade/facade.ts";
export type { Savepoint } from "./undo-log.ts";

/** How to open a layer. */
export interface LayerOptions {
  /** Absolute real path of the root. */
  readonly root: string;
  /** The file system below; the real disk by default. */
  readonly lower?: LowerFileSystem;
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
  readonly #core: Core;
  readonly #adoption: Adoption;
  readonly #facade: Facade;

  constructor(options: LayerOptions) {
    this.root = options.root;
    this.#core = new Core(openLower(options.lower), options.root);
    this.#adoption = new Adoption(this.#core);
    this.#facade = createFacade(this.#core);
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

  /** What is pending, in tree order and in time proportional to it. */
  pending(): Iterable<Pending> {
    return pendingEntries(this.#core.tree);
  }

  /** Puts one node in place exactly as given, parents before children; see {@link Adoptable}. */
  adopt(entry: Adoptable): void {
    this.#adoption.adopt(entry);
  }

  /**
   * Says that the lower now holds what the upper held at these paths (all when omitted): those
   * entries are dropped and the lower is looked at afresh. Ends all savepoints.
   */
  rebase(paths?: Iterable<TreePath>): void {
    rebase(this.#core, paths);
  }

  /** A point to come back to. O(1). */
  savepoint(): Savepoint {
    return this.#core.tree.undo.savepoint();
  }

  /**
   * Undoes everything since `savepoint`, and ends it.
   *
   * @throws {DraftError} `DRAFT_TRANSACTION` when it has ended already.
   */
  rollback(savepoint: Savepoint): void {
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

  /** Discards everything pending. */
  reset(): void {
    this.#core.reset();
  }

  /** Closes all descriptors and stops watching files. */
  close(): void {
    this.#facade.close();
    this.#core.descriptors.closeAll();
  }
}
