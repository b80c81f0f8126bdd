import { expect, test } from "vitest";
import { errorCodesAt } from "../support/error-codes.ts";
import { sweepErrors } from "./commit-error-sweep.ts";

test.each(["files", "slots"] as const)(
  "a commit by %s in which any one call fails in any way either succeeds or changes nothing",
  async (form) => {
    const { points, seen } = await sweepErrors(form, errorCodesAt);
    console.log(`an error at ${points} calls`, seen);
    expect(points).toBeGreaterThan(250);
  },
);
