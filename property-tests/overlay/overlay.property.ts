import { expect, test } from "vitest";
import { checkPrograms } from "./check-programs.ts";
import { kindsCount } from "./program.ts";

test("programs are made of at least forty kinds of operation", () => {
  console.log(`${kindsCount} kinds of operation, several open descriptors, two actors`);
  expect(kindsCount).toBeGreaterThanOrEqual(40);
});

/** The seed is that of the suite; a failure prints seed, path and the shrunk program. */
test("random programs of two actors see what they would see on real directories", () => {
  checkPrograms({ maxSteps: 60, programsCount: 100, timeLimitMs: 10_000 });
});
