import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { breaches } from "./broken-disks.ts";
import { ForkServer, forkServerObstacle } from "./fork-server.ts";
import { expectWork, Race } from "./race.ts";

/** What a broken protocol is found by: not that the race itself broke down. */
const finding =
  /lost: |mixed: |in the log: |second re|Cannot find object |Cannot trust|DRAFT_\w+_(CORRUPT|MISSING)|a process has failed/;

describe("kills of processes that commit against each other", () => {
  const obstacle = forkServerObstacle();
  if (obstacle !== undefined && process.env["CI"] === undefined) {
    it.skip(`not tried: ${obstacle}`);
    return;
  }

  let server: ForkServer;
  beforeAll(async () => {
    server = await ForkServer.start();
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it("never mix and never lose", async () => {
    const kills = 60;
    await using race = new Race(server, { processes: 3, kills, seed: 20 });
    expectWork(await race.run(), kills);
  });

  // Most are found within twenty; a few times as many for bad luck.
  it.each(breaches)("find a protocol that is broken by %s", async (breach) => {
    await using race = new Race(server, { processes: 2, kills: 400, seed: 20, breach });
    await expect(race.run()).rejects.toThrow(finding);
  });
});
