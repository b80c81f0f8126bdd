import { commitChangeSet } from "../../../src/commit/commit.ts";
import { type CommitStore, openCommitStore } from "../../../src/commit/commit-store.ts";
import { diffLayer } from "../../../src/commit/diff/diff.ts";
import { RootLock } from "../../../src/commit/lock/lock.ts";
import type { Durability } from "../../../src/commit/receipt.ts";
import { recoverJournal } from "../../../src/commit/recover/recover.ts";
import { stateDirectoryOf } from "../../../src/disk/state/state-directory.ts";
import { openLayer } from "../../../src/overlay/layer.ts";
import type { Committer } from "./committer.ts";
import { type Forgetting, MachineDisk } from "./machine-disk.ts";
import { carryOut, type Operation } from "./transaction.ts";

/**
 * Our own commits, by one process that stays open, and our own recovery after a restart.
 *
 * @param forgetting - waits for the device that are left out, to see that the harness notices.
 */
export class DraftCommitter implements Committer {
  readonly #durability: Durability;
  readonly #forgetting: Forgetting;
  #running: CommitStore | undefined;
  #restarts = 0;

  constructor(durability: Durability, forgetting: Forgetting = {}) {
    this.#durability = durability;
    this.#forgetting = forgetting;
  }

  async commit(root: string, operations: readonly Operation[]): Promise<void> {
    this.#running ??= this.#open(root);
    const layer = openLayer({ root });
    for (const operation of operations) carryOut(layer.fs, root, operation);
    await commitChangeSet(this.#running, diffLayer(layer), { durability: this.#durability });
    layer.close();
  }

  async recover(root: string): Promise<void> {
    this.#restarts += 1;
    const store = this.#open(root);
    try {
      await recoverJournal(store);
    } finally {
      store.objects.close();
    }
  }

  close(): void {
    if (this.#running === undefined) return;
    const { disk, state, objects } = this.#running;
    objects.close();
    RootLock.forget(disk, state);
  }

  #open(root: string): CommitStore {
    const disk = new MachineDisk(bootIdOf(this.#restarts), this.#forgetting);
    return openCommitStore(disk, stateDirectoryOf(root), { settlesEarly: true });
  }
}

function bootIdOf(restarts: number): string {
  return `00000000-0000-4000-8000-${String(restarts).padStart(12, "0")}`;
}
