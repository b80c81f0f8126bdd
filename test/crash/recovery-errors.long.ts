import { expect, test } from "vitest";
import { errorCodes } from "../support/error-codes.ts";
import { sweepRecovery } from "./recovery-errors.ts";

for (const [form, interrupted] of [
  ["files", "commit"],
  ["slots", "commit"],
  ["slots", "abort"],
] as const) {
  for (const isPersistent of [false, true]) {
    const how = isPersistent
      ? "from any one call on, calls of that kind fail"
      : "any one call fails";
    test(`recovery of a ${interrupted} by ${form} in which ${how} is finished by the next one`, async () => {
      const { points, seen } = await sweepRecovery(
        form,
        interrupted,
        isPersistent,
        () => errorCodes,
      );
      console.log(`${interrupted}, an error at ${points} calls`, seen);
      expect(points).toBeGreaterThan(500);
    });
  }
}
