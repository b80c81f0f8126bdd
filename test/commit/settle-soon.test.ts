import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { closeCommitStore, openCommitStore } from "../../src/commit/commit-store.ts";
import { settleSoon } from "../../src/commit/journal/settle.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { TemporaryRoot } from "./scenario.ts";

class AskedDisk extends NodeDisk {
  asked = 0;

  override async syncfs(): Promise<boolean> {
    this.asked += 1;
    return true;
  }
}

test.each([
  ["is begun when there is time", false, 1],
  [
    "is not begun any more when the store has been closed, which would open the root again",
    true,
    0,
  ],
])("what a commit owes %s", async (_what, isClosed, asked) => {
  using root = TemporaryRoot.inMemory();
  const disk = new AskedDisk();
  const store = openCommitStore(disk, stateDirectoryOf(root.path), { settlesEarly: true });
  settleSoon(store, 1, false);
  if (isClosed) closeCommitStore(store);
  await nextTurn();
  await nextTurn();
  expect(disk.asked).toBe(asked);
  closeCommitStore(store);
});
