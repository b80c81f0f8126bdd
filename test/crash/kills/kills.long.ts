import { describe, it } from "vitest";
import { ForkServer, forkServerObstacle } from "./fork-server.ts";
import { expectWork, Race } from "./race.ts";

/** `DRAFTFS_SEED` chooses the same kills again; what runs meanwhile is the machine's choice. */
const seed = Number(process.env["DRAFTFS_SEED"] ?? Date.now() % 1_000_000);
const kills = Number(process.env["DRAFTFS_KILLS"] ?? 1000);

describe(`processes that commit and recover against each other under SIGKILL (seed ${seed})`, () => {
  const obstacle = forkServerObstacle();
  if (obstacle !== undefined && process.env["CI"] === undefined) {
    it.skip(`not tried: ${obstacle}`);
    return;
  }

  it.each([2, 4])("never mix and never lose, %i at a time", async (processes) => {
    await using server = await ForkServer.start();
    await using race = new Race(server, { processes, kills, seed });
    const counts = await race.run();
    console.log(`${processes} processes, seed ${seed}:`, JSON.stringify(counts));
    expectWork(counts, kills);
  });
});
