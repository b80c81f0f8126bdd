import type { CommitOptions } from "../commit/options.ts";
import type { CommitReceipt } from "../commit/receipt.ts";

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
  /**
   * Takes this commit back, as a new operation.
   *
   * @throws {DraftError} `DRAFT_CONFLICT` when what it touched has been changed since.
   */
  undo(): Promise<CommitReceipt>;
}
