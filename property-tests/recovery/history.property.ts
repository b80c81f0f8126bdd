import { test } from "vitest";
import { runHistories } from "./histories.ts";

test("any series of commits, undos, redos, restores and gcs leads to the tree that the model says", async () => {
  await runHistories({ numRuns: 30, maxCommands: 14 });
});
