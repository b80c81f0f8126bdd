import { describe } from "vitest";
import { longCases } from "./command-cases.ts";
import { describeDifferential } from "./differential.ts";
import { allEngines } from "./sandbox-fixture.ts";

describe.each(allEngines)("a sandboxed command", (engine) => {
  describeDifferential(engine, longCases);
});
