import { test } from "vitest";
import { runHistories } from "./histories.ts";

test("long histories lead to the tree that the model says", async () => {
  await runHistories({ numRuns: 100, maxCommands: 40, isLong: true });
});
