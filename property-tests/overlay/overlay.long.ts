import fc from "fast-check";
import { test } from "vitest";
import { anyProgram, runProgram } from "./program.ts";

/** 1,500 programs of up to 200 steps: some 150,000 operations, each done on both sides. */
test("long random programs of two actors see what they would see on real directories", () => {
  fc.assert(fc.property(anyProgram(200), runProgram), { numRuns: 1500 });
});
