import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { runGit } from "../objects/store-fixture.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { acts, collect, FaultScenario, type Meant } from "./fault-scenario.ts";
import { HastyDisk } from "./history-fixture.ts";

test.each<Meant>(["undo", "redo", "restore"])(
  "killed at any step, an operation of the kind %s has happened or has not, and history agrees",
  async (meant) => {
    using scenario = await FaultScenario.make(meant);
    const outcomes = { old: 0, new: 0 };
    const tried = await scenario.tryAtEveryCall(
      acts[meant],
      { kind: "death" },
      (call) => call.changes,
      async (store, _, at) => {
        outcomes[await scenario.expectOldOrNew(store, at)] += 1;
      },
    );
    console.log(`${meant} killed at ${tried} calls: ${JSON.stringify(outcomes)}`);
    expect(outcomes.old).toBeGreaterThan(10);
    expect(outcomes.new).toBeGreaterThan(10);
  },
);

test("killed at any step, gc leaves a whole store, and the next one finishes", async () => {
  using scenario = await FaultScenario.make("undo");
  const tried = await scenario.tryAtEveryCall(
    collect,
    { kind: "death" },
    (call) => call.changes,
    (store, _, at) => scenario.expectWholeStore(store, at),
  );
  console.log(`gc killed at ${tried} calls`);
  expect(tried).toBeGreaterThan(15);
});

test("git accepts the store at every step of gc, also before anybody repairs it", async () => {
  using scenario = await FaultScenario.make("undo");
  let checks = 0;
  const root = scenario.copy();
  try {
    const state = stateDirectoryOf(root);
    const disk = new FaultDisk(new HastyDisk(), (call) => {
      if (call.changes && existsSync(join(state.checkpoints, "HEAD"))) {
        runGit(["--git-dir", state.checkpoints, "fsck", "--full", "--strict", "--no-dangling"]);
        checks += 1;
      }
      return { kind: "none" };
    });
    const store = openCommitStore(disk, state);
    await collect(store);
    store.objects.close();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  expect(checks).toBeGreaterThan(15);
});
