import { test } from "vitest";
import { checkCommittingPrograms } from "./check-programs.ts";

/** The seed is that of the suite; a failure prints seed, path and the shrunk program. */
test("random programs see after commits, too, what they would see on a real directory", async () => {
  await checkCommittingPrograms({ maxSteps: 60, programsCount: 30, timeLimitMs: 4_000 });
});
