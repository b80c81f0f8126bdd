import { expect, test } from "vitest";
import { errorCodes } from "../support/error-codes.ts";
import { sweepRecovery } from "./recovery-errors.ts";

// A few of the calls; the long test tries all of them.
const share = 29;

test.each([
  { form: "files", interrupted: "commit", isPersistent: false },
  { form: "files", interrupted: "commit", isPersistent: true },
  { form: "slots", interrupted: "commit", isPersistent: false },
  { form: "slots", interrupted: "commit", isPersistent: true },
  { form: "slots", interrupted: "abort", isPersistent: false },
] as const)(
  "recovery of a $interrupted by $form that meets errors is finished by the next one",
  async ({ form, interrupted, isPersistent }) => {
    const { points, seen } = await sweepRecovery(
      form,
      interrupted,
      isPersistent,
      ({ index, name }) =>
        index % share === 7 || name === "syncfs"
          ? [errorCodes[index % errorCodes.length] as string]
          : [],
    );
    console.log(`${interrupted}, an error at ${points} calls`, seen);
    expect(points).toBeGreaterThan(5);
  },
);
