import { expect, test } from "vitest";
import { errorCodes } from "../support/error-codes.ts";
import { sweepErrors } from "./commit-error-sweep.ts";

test.each(["files", "slots"] as const)(
  "a commit by %s in which any third call fails either succeeds or changes nothing",
  async (form) => {
    const codesOf = ({ index }: { readonly index: number }) =>
      index % 3 === 0 ? [errorCodes[(index / 3) % errorCodes.length] as string] : [];
    const { points, seen } = await sweepErrors(form, codesOf);
    console.log(`an error at ${points} calls`, seen);
    expect(points).toBeGreaterThan(50);
  },
);
