import { expect, test } from "vitest";
import { errorCodes, sweepErrors } from "./commit-error-sweep.ts";

test("a commit in which any one call fails in any way either succeeds or changes nothing", async () => {
  const { points, seen } = await sweepErrors(() => errorCodes);
  console.log(`an error at ${points} calls`, seen);
  expect(points).toBeGreaterThan(500);
});
