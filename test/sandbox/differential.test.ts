import { describe, it } from "vitest";
import { quickCases } from "./command-cases.ts";
import { canRun, expectSameTrees } from "./differential.ts";
import { allEngines } from "./sandbox-fixture.ts";

describe.each(allEngines)(
  "a command in engine %s leaves the tree it leaves without",
  (engine) => {
    it.each(quickCases.filter(canRun))("$name", async (command) => {
      await expectSameTrees(command, engine);
    });
  },
);
