import { describe, it } from "vitest";
import { longCases } from "./command-cases.ts";
import { canRun, expectSameTrees } from "./differential.ts";
import { allEngines } from "./sandbox-fixture.ts";

describe.each(allEngines)(
  "a command in engine %s leaves the tree it leaves without",
  (engine) => {
    it.each(longCases.filter(canRun))("$name", async (command) => {
      await expectSameTrees(command, engine);
    });
  },
);
