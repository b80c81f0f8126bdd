import { fc } from "../../test/support/properties.ts";
import { anyProgram, runProgram } from "./program.ts";

/** How many programs, how long, and when to stop early. */
export interface Extent {
  readonly maxSteps: number;
  readonly programsCount: number;
  readonly timeLimitMs?: number;
}

/** Runs random programs and says how many operations were compared. */
export function checkPrograms({ maxSteps, programsCount, timeLimitMs }: Extent): void {
  let programs = 0;
  let operations = 0;
  const property = fc.property(anyProgram(maxSteps), (program) => {
    runProgram(program);
    programs += 1;
    operations += program.length;
  });
  const limit = timeLimitMs === undefined ? {} : { interruptAfterTimeLimit: timeLimitMs };
  fc.assert(property, { numRuns: programsCount, ...limit });
  console.log(`${programs} programs, ${operations} operations, each done on both sides`);
}
