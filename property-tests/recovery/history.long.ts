import { test } from "vitest";
import { runHistories } from "./histories.ts";

test("long histories lead to the tree that the model says", async () => {
  await runHistories({ numRuns: 300, maxCommands: 50, isLong: true });
});
