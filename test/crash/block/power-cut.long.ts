import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blockDeviceObstacle, type FileSystem } from "../../support/block-device.ts";
import { CompiledProject } from "../../support/compiled-project.ts";
import type { Exploration, ExploreOptions } from "./explore.ts";

/**
 * Power cuts on real file systems. `DRAFTFS_POWER_CUTS` multiplies the number of cuts (1 by
 * default, made for a CI of some minutes), `DRAFTFS_SEED` repeats the choices of an earlier run;
 * the moments at which the kernel writes are its own.
 */
const scale = Number(process.env["DRAFTFS_POWER_CUTS"] ?? 1);
const seed = Number(process.env["DRAFTFS_SEED"] ?? Date.now() % 1_000_000);

const fileSystems: readonly FileSystem[] = ["ext4", "xfs", "btrfs"];

let project: CompiledProject;
beforeAll(() => {
  project = CompiledProject.build();
});
afterAll(() => {
  project[Symbol.dispose]();
});

function explore(committer: string, options: Omit<ExploreOptions, "seed">): Exploration {
  const scaled = { ...options, cuts: Math.ceil(options.cuts * scale), seed };
  const output = project.runInMountNamespace("test/crash/block/main.ts", [
    committer,
    JSON.stringify(scaled),
  ]);
  const exploration = JSON.parse(output) as Exploration;
  const { verdicts, exposed, flushes, writes, failures } = exploration;
  console.log(
    `${committer} on ${options.fileSystem}, seed ${seed}: ${JSON.stringify(verdicts)}; ` +
      `${exposed} exposed before recovery; ${writes} writes and ${flushes} flushes recorded`,
  );
  if (failures.length > 0) console.log(failures.join("\n"));
  return exploration;
}

describe.each(fileSystems)("power cuts on %s", (fileSystem) => {
  const obstacle = blockDeviceObstacle(fileSystem);
  if (obstacle !== undefined) {
    it.skip(`not tried: ${obstacle}`);
    return;
  }

  it.each(["rename", "fsync-each"])("are seen to break %s, which has no journal", (committer) => {
    const { verdicts } = explore(committer, {
      fileSystem,
      transactions: 8,
      cuts: 20,
      secondCuts: 0,
    });
    expect(verdicts.mixed + verdicts.lost).toBeGreaterThan(4);
  });
});
