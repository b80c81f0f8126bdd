import { fc } from "../../test/support/properties.ts";
import { anyCommittingProgram, runCommittingProgram } from "./committing.ts";
import { anyProgram, runProgram } from "./program.ts";

/** How many programs, how long, and when to stop early. */
export interface Extent {
  readonly maxSteps: number;
  readonly programsCount: number;
  readonly timeLimitMs?: number;
}

/** Runs random programs and says how many operations were compared. */
export function checkPrograms(extent: Extent): void {
  let programs = 0;
  let operations = 0;
  const property = fc.property(anyProgram(extent.maxSteps), (program) => {
    runProgram(program);
    programs += 1;
    operations += program.length;
  });
  fc.assert(property, runsOf(extent));
  console.log(`${programs} programs, ${operations} operations, each done on both sides`);
}

/** The same of one actor who commits in between. */
export async function checkCommittingPrograms(extent: Extent): Promise<void> {
  let programs = 0;
  let operations = 0;
  let commits = 0;
  const property = fc.asyncProperty(anyCommittingProgram(extent.maxSteps), async (program) => {
    await runCommittingProgram(program);
    programs += 1;
    operations += program.length;
    commits += program.filter(({ kind }) => kind === "commit").length + 1;
  });
  await fc.assert(property, runsOf(extent));
  console.log(`${programs} programs, ${operations} operations, ${commits} commits`);
}

function runsOf({ programsCount, timeLimitMs }: Extent) {
  const limit = timeLimitMs === undefined ? {} : { interruptAfterTimeLimit: timeLimitMs };
  return { numRuns: programsCount, ...limit };
}
