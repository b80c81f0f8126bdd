import fs from "node:fs";
import { openOverlay } from "../../src/api/open-overlay.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { settleJournal } from "../../src/commit/journal/settle.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { safeFiles, unsafeFiles } from "./safe-files.ts";
import type { Scale, Scenario } from "./scenario.ts";

/** A way to do a scenario. */
export const contestantKeys = ["unsafe", "safe", "draftfs"] as const;
export type ContestantKey = (typeof contestantKeys)[number];

/** A scenario that is ready to run on one directory. */
export interface ReadyScenario {
  /**
   * What is measured: from the first call to the return of the last, durable save for `unsafe`.
   *
   * @returns milliseconds of it without the commit.
   */
  run(): Promise<number>;
  /** What it leaves for later, and the end. */
  close(): Promise<void>;
}

/** Prepares a scenario for a contestant; none of it is measured. */
export async function readyScenario(
  scenario: Scenario,
  key: ContestantKey,
  root: string,
  scale: Scale,
): Promise<ReadyScenario> {
  scenario.prepare(root, scale);
  if (key !== "draftfs") {
    const files = key === "safe" ? safeFiles : unsafeFiles;
    return {
      run: () => timed(async () => scenario.plain(root, files, scale)),
      close: async () => undefined,
    };
  }
  if (scenario.onDisk) {
    const disk = { root, fs, savepoint: () => 0, rollback: () => {}, release: () => {} };
    return {
      run: () => timed(async () => scenario.engine(disk, scale)),
      close: async () => undefined,
    };
  }
  const overlay = await openOverlay(root);
  // The first commit ever makes the store; it is not the one that counts. What it leaves to be
  // settled is paid here, as an idle process would have by the time of the next one.
  overlay.fs.writeFileSync("first", "");
  await overlay.commit();
  const store = openCommitStore(new NodeDisk(), stateDirectoryOf(overlay.root));
  await settleJournal(store);
  store.objects.close();
  return {
    async run() {
      const engineMs = await timed(async () => scenario.engine(overlay, scale));
      await overlay.commit();
      return engineMs;
    },
    close: () => overlay.close(),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
