import { describe } from "vitest";
import { quickCases } from "./command-cases.ts";
import { describeDifferential } from "./differential.ts";
import { kernelEngines } from "./sandbox-fixture.ts";

describe.each(kernelEngines)("a sandboxed command", (engine) => {
  describeDifferential(engine, quickCases);
});
