import { describe } from "vitest";
import { longCases, quickCases } from "./command-cases.ts";
import { describeDifferential } from "./differential.ts";
import { allEngines } from "./sandbox-fixture.ts";

describe.each(allEngines)("a sandboxed command", (engine) => {
  // The engines of the kernel do the quick ones in the quick suite.
  describeDifferential(engine, engine === "clone" ? [...quickCases, ...longCases] : longCases);
});
