import { test } from "vitest";
import { checkCommittingPrograms, checkPrograms } from "./check-programs.ts";

/** Of up to 150 steps, some 75 on average: 600 are 45,000 operations. */
const programsCount = Number(process.env["DRAFTFS_PROPERTY_PROGRAMS"] ?? 600);

test("long random programs of two actors see what they would see on real directories", () => {
  checkPrograms({ maxSteps: 150, programsCount });
});

/** A commit and the look at all trees around it take the time of many operations. */
const committingCount = Math.ceil(programsCount / 16);

test("long random programs see after commits, too, what they would see on a disk", async () => {
  await checkCommittingPrograms({ maxSteps: 150, programsCount: committingCount });
});
