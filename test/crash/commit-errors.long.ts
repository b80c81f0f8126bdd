import { expect, test } from "vitest";
import { errorCodes, sweepErrors } from "./commit-error-sweep.ts";

test.each(["files", "slots"] as const)(
  "a commit by %s in which any one call fails in any way either succeeds or changes nothing",
  async (form) => {
    // What the two have in common is tried once in every way, and a quarter as often again.
    const codesOf = ({ index }: { readonly index: number }) =>
      form === "slots" || index % 4 === 0 ? errorCodes : [];
    const { points, seen } = await sweepErrors(form, codesOf);
    console.log(`an error at ${points} calls`, seen);
    expect(points).toBeGreaterThan(form === "slots" ? 500 : 200);
  },
);
