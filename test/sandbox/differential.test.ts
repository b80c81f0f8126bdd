import { describe } from "vitest";
import { quickCases } from "./command-cases.ts";
import { describeDifferential } from "./differential.ts";
import { allEngines } from "./sandbox-fixture.ts";

describe.each(allEngines)("a sandboxed command", (engine) => {
  describeDifferential(engine, quickCases);
});
