import { test } from "vitest";
import { fc } from "../../test/support/properties.ts";
import { anyProgram, runProgram } from "./program.ts";

/** 600 programs of up to 150 steps: some 45,000 operations, each done on both sides. */
test("long random programs of two actors see what they would see on real directories", () => {
  fc.assert(fc.property(anyProgram(150), runProgram), { numRuns: 600 });
});
