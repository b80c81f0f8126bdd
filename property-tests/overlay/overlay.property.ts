import { expect, test } from "vitest";
import { fc } from "../../test/support/properties.ts";
import { anyProgram, kindsCount, runProgram } from "./program.ts";

/** A run of its own seed each time; a failure prints seed, path and the shrunk program. */
const options = { numRuns: 150, interruptAfterTimeLimit: 10_000 };

test("programs are made of at least forty kinds of operation", () => {
  console.log(`${kindsCount} kinds of operation, several open descriptors, two actors`);
  expect(kindsCount).toBeGreaterThanOrEqual(40);
});

test("random programs of two actors see what they would see on real directories", () => {
  fc.assert(fc.property(anyProgram(60), runProgram), options);
});
