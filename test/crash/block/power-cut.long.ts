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

/** With fewer cuts the other file systems only show that they lose nothing. */
const isBrief = scale < 1;

/** What breaks so often that a few cuts show it, however few are asked for. */
const clumsy = [
  "rename",
  "fsync-each",
  "durable without fsync of the pack",
  "durable without settling",
  "full without syncfs",
];

/** What breaks at one cut in thirty or so. */
const unlucky = [
  "durable without fdatasync",
  "durable without fsync of the record",
  "durable without fsync of the directory",
];

let project: CompiledProject;
beforeAll(() => {
  project = CompiledProject.build();
});
afterAll(() => {});

function explore(
  committer: string,
  fileSystem: FileSystem,
  options: Partial<ExploreOptions> & { readonly cuts: number },
): Exploration {
  const output = project.runInMountNamespace("test/crash/block/main.ts", [
    committer,
    JSON.stringify({
      transactions: 8,
      secondCuts: 0,
      hardLinks: false,
      ...options,
      cuts: Math.ceil(options.cuts * scale),
      fileSystem,
      seed,
    } satisfies ExploreOptions),
  ]);
  const exploration = JSON.parse(output) as Exploration;
  const { verdicts, exposed, flushes, writes } = exploration;
  console.log(
    `${committer} on ${fileSystem}, seed ${seed}: ${JSON.stringify(verdicts)}; ` +
      `${exposed} exposed before recovery; ${writes} writes and ${flushes} flushes recorded`,
  );
  return exploration;
}

/** Everything but images that the kernel itself refuses, of which there may be few. */
function expectSound({ verdicts, failures }: Exploration): void {
  const { sound, unmountable, ...broken } = verdicts;
  const brokenCount = Object.values(broken).reduce((sum, count) => sum + count);
  expect(brokenCount, failures.join("\n")).toBe(0);
  expect(unmountable).toBeLessThan(sound / 10);
}

describe.each(fileSystems)("power cuts on %s", (fileSystem) => {
  const obstacle = blockDeviceObstacle(fileSystem);
  if (obstacle !== undefined) {
    it.skip(`not tried: ${obstacle}`);
    return;
  }

  // ostreedev/ostree#918, facebook/rocksdb#8903, andrewchambers/bupstash#355.
  it("lose no commit and mix none, also when they strike recovery", () => {
    expectSound(explore("durable", fileSystem, { cuts: 130, secondCuts: 0.25, hardLinks: true }));
  });

  it.skipIf(isBrief && fileSystem !== "ext4")(
    "lose none where every record has its own file",
    () => {
      const cuts = { cuts: 60, secondCuts: 0.25 };
      expectSound(explore("durable without slots", fileSystem, { ...cuts, hardLinks: true }));
    },
  );

  it('show no torn file to anybody before recovery with durability "full"', () => {
    const exploration = explore("full", fileSystem, { cuts: 80, secondCuts: 0.1 });
    expectSound(exploration);
    expect(exploration.exposed).toBe(0);
  });

  it.each(isBrief && fileSystem !== "ext4" ? [] : clumsy)("are seen to break %s", (committer) => {
    const { verdicts } = explore(committer, fileSystem, { cuts: 25 / Math.min(scale, 1) });
    const { mixed, lost, stuck, store } = verdicts;
    expect(mixed + lost + stuck + store).toBeGreaterThan(2);
  });

  it.each(isBrief || fileSystem !== "ext4" ? [] : unlucky)(
    "are seen to break %s, if rarely",
    (committer) => {
      const { verdicts } = explore(committer, fileSystem, { cuts: 220 });
      const { mixed, lost, stuck, store } = verdicts;
      expect(mixed + lost + stuck + store).toBeGreaterThan(0);
    },
  );
});
