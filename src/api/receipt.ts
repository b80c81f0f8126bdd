import type { Selection } from "../commit/change-set/select.ts";
import type { CommitOptions } from "../commit/options.ts";
import type { OnCount } from "../commit/patch/patch.ts";
import type { CommitReceipt } from "../commit/receipt.ts";
import type { TreePath } from "../disk/tree-path.ts";

/** How to commit; all of it optional. */
export interface CommitRequest
  extends Omit<CommitOptions, "operation" | "concerns" | "draft" | "commands"> {
  /** Globs of what to commit; everything by default. */
  readonly include?: readonly string[];
  /** Globs of what not to commit; it stays pending. */
  readonly exclude?: readonly string[];
}

/** What a commit has done, and how to take it back. */
export interface OverlayReceipt extends CommitReceipt {
  /** Fifos, sockets and devices that were pending: no commit makes them, and they are gone now. */
  readonly unsupported: readonly TreePath[];
  /**
   * Why the saved draft still is as before the commit, which is done all the same: the disk is
   * full, say. `saveDraft()` tries again. Absent when all is well.
   */
  readonly unsaved?: unknown;
  /**
   * Takes this commit back, as a new operation.
   *
   * @throws {DraftError} `DRAFT_CONFLICT` when what it touched has been changed since.
   */
  undo(): Promise<CommitReceipt>;
}

/** What a plan is made of, and who is told how far it is. */
export interface PlanOptions extends Selection {
  /** Told of every change before its turn. */
  readonly onProgress?: OnCount;
}

/** What saving a draft came to. */
export interface SavedDraft {
  /** Paths under which streams keep what they have written so far: it is not in the draft. */
  readonly leftOut: readonly TreePath[];
}
