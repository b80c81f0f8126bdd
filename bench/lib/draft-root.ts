import { openOverlay } from "../../src/api/open-overlay.ts";
import type { Overlay } from "../../src/api/overlay.ts";
import type { CommitRequest, OverlayReceipt } from "../../src/api/receipt.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { settleJournal } from "../../src/commit/journal/settle.ts";
import type { CommitReceipt } from "../../src/commit/receipt.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import type { OverlayFs } from "../../src/overlay/layer.ts";

/** An overlay as its users open it, and the settling of its journal at a moment of our choice. */
export class DraftRoot {
  readonly fs: OverlayFs;
  readonly #overlay: Overlay;

  private constructor(overlay: Overlay) {
    this.#overlay = overlay;
    this.fs = overlay.fs;
  }

  /** Finishes what an earlier process left. */
  static async open(root: string): Promise<DraftRoot> {
    return new DraftRoot(await openOverlay(root));
  }

  async commit(request: CommitRequest = {}): Promise<OverlayReceipt> {
    return this.#overlay.commit(request);
  }

  async undo(): Promise<CommitReceipt> {
    return this.#overlay.undo();
  }

  /** Pays the debt of the last commit, which otherwise the next one does. */
  async settle(): Promise<void> {
    const store = openCommitStore(new NodeDisk(), stateDirectoryOf(this.#overlay.root));
    await settleJournal(store);
    store.objects.close();
  }

  async close(): Promise<void> {
    await this.#overlay.close();
  }
}
