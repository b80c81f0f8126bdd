import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { recoverRoot } from "../../src/recovery/recover-root.ts";
import { acts, collect, FaultScenario } from "../recovery/fault-scenario.ts";
import { HastyDisk } from "../recovery/history-fixture.ts";
import { CompiledProject } from "../support/compiled-project.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { isStoreSound } from "./commit-faults.ts";

/** What a process does to the history of a root. */
const doings = ["undo", "redo", "restore", "gc"] as const;

test.each(doings)(
  "a process that is killed before any one of the changes of %s leaves the old tree or the new one",
  async (doing) => {
    const project = CompiledProject.build();
    using scenario = await FaultScenario.make(doing === "gc" ? "undo" : doing);
    const program = project.pathOf("test/crash/history-victim.ts");
    const seen: Record<string, number> = {};
    const points = await changesOf(scenario, doing);
    for (const index of points) {
      const root = scenario.copy();
      try {
        const { signal } = spawnSync(process.execPath, [program, root, doing, String(index)]);
        expect(signal, `call ${index}`).toBe("SIGKILL");
        const store = openCommitStore(new HastyDisk(), stateDirectoryOf(root));
        await recoverRoot(store);
        expect(isStoreSound(root), `call ${index}`).toBe(true);
        const outcome =
          doing === "gc"
            ? await scenario.expectWholeStore(store, `call ${index}`)
            : await scenario.expectOldOrNew(store, `call ${index}`);
        seen[outcome ?? "whole"] = (seen[outcome ?? "whole"] ?? 0) + 1;
        store.objects.close();
      } finally {
        fs.rmSync(root, { recursive: true, force: true });
      }
    }
    console.log(`${doing} killed at ${points.length} points`, seen);
    expect(points.length).toBeGreaterThan(15);
  },
);

/** The calls that change something when nobody is in the way. */
async function changesOf(
  scenario: FaultScenario,
  doing: (typeof doings)[number],
): Promise<readonly number[]> {
  const root = scenario.copy();
  try {
    const disk = new FaultDisk(new HastyDisk());
    const store = openCommitStore(disk, stateDirectoryOf(root));
    await (doing === "gc" ? collect : acts[doing])(store);
    store.objects.close();
    return disk.changes.map(({ index }) => index);
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
}
