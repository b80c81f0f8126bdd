import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

/** Takes minutes, not hours, and runs with every push. */
const long = [
  "test/bench/commit-sections.long.ts",
  "test/bench/sandbox-sections.long.ts",
  "test/cli/history.long.ts",
  "test/conformance/other-variants-even.long.ts",
  "test/conformance/other-variants-odd.long.ts",
  "test/conformance/unprivileged.long.ts",
  "test/crash/block/power-cut.long.ts",
  "test/crash/commit-errors.long.ts",
  "test/crash/commit-kill.long.ts",
  "test/crash/commit-large.long.ts",
  "test/crash/commit-processes.long.ts",
  "test/crash/kills/kills.long.ts",
  "test/crash/layered.long.ts",
  "test/overlay/unprivileged.long.ts",
  "test/recovery/faults.long.ts",
  "test/sandbox/commit.long.ts",
  "test/sandbox/fuse-suites.long.ts",
  "test/sandbox/fuse.long.ts",
  "test/sandbox/killed-owner.long.ts",
  "test/sandbox/unprivileged.long.ts",
];

/** Of the long ones, those that try a part of the errors or points there, and all in `exhaustive`. */
const sweeps = [
  "test/crash/commit-errors.long.ts",
  "test/crash/layered.long.ts",
  "test/recovery/faults.long.ts",
];

/** Quick ones too, but of those that take the longest and change the least: left to `long`. */
const leftToLong = [
  "test/api/configuration.test.ts",
  "test/api/untrusted-state.test.ts",
  "test/cli/bad-input.test.ts",
  "test/cli/collect-later.test.ts",
  "test/cli/config.test.ts",
  "test/cli/dashboard/dashboard.test.ts",
  "test/cli/find-root.test.ts",
  "test/cli/messages.test.ts",
  "test/cli/metrics.test.ts",
  "test/cli/mounts.test.ts",
  "test/cli/replay.test.ts",
  "test/cli/run-options.test.ts",
  "test/cli/run-streams.test.ts",
  "test/cli/short-writes.test.ts",
  "test/cli/terminal.test.ts",
  "test/config/agent-profile.test.ts",
  "test/conformance/large.test.ts",
  "test/conformance/watch-forms.test.ts",
  "test/crash/commit-abort.test.ts",
  "test/crash/commit-death.test.ts",
  "test/crash/commit-power.test.ts",
  "test/crash/copied-tree.test.ts",
  "test/crash/recovery-errors.test.ts",
  "test/crash/volatile-power.test.ts",
  "test/crash/written-names.test.ts",
  "test/engines/bench-engines.test.ts",
  "test/objects/git-index.test.ts",
  "test/regressions/agents.test.ts",
  "test/sandbox/lost-contents.test.ts",
  "test/sandbox/moved-files.test.ts",
  "test/sandbox/places.test.ts",
  "test/sandbox/touched.test.ts",
  "test/sandbox/undecodable-names.test.ts",
];

/** What does its work by native calls where there are any, and as well without. */
const withoutNative = [
  "test/{commit,objects}/**/*.test.ts",
  "test/conformance/{escape,files,errors,symlinks}.test.ts",
  "test/crash/commit-{death,errors}.test.ts",
  "test/disk/data-ranges.test.ts",
  "test/overlay/{confinement,swapped-directory}.test.ts",
];

/** Random content is small, and has to be kept as large content is to meet its mistakes. */
const nothingPacked = {
  name: "nothing-packed",
  transform(code: string, id: string): string | undefined {
    if (!id.endsWith("/src/limits.ts")) return undefined;
    const changed = code.replace(/(packedContentBytesMax = )[^;]+;/, "$13;");
    if (changed === code) throw new Error("src/limits.ts has no packedContentBytesMax any more");
    return changed;
  },
};

const withLargeContent = [
  "property-tests/{commit,recovery}/*.property.ts",
  "test/recovery/{faults,hard-links,moved-directories,restore}.test.ts",
];

const config: ViteUserConfig = defineConfig({
  test: {
    pool: "forks",
    // More than processors: tests wait for devices, watchers, retries and their own children. With one
    // more than two, the processors were idle for a third of the time.
    maxWorkers: availableParallelism() + 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "quick",
          include: ["test/**/*.test.ts", "property-tests/**/*.property.ts"],
          exclude: leftToLong,
          env: { DRAFTFS_NATIVE: "1" },
          // Loading everything anew for each file takes a quarter of the time of all.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "without-native",
          include: withoutNative,
          env: { DRAFTFS_NATIVE: "0" },
          isolate: false,
        },
      },
      {
        extends: true,
        plugins: [nothingPacked],
        test: {
          name: "large",
          include: withLargeContent,
          env: { DRAFTFS_NATIVE: "1" },
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          // Random programs: some now, by the seed of the suite, and many by others in `exhaustive`.
          include: [...long, ...leftToLong, "property-tests/overlay/overlay.long.ts"],
          // A part of what the exhaustive suite does; the variables ask for more.
          env: {
            DRAFTFS_PROPERTY_PROGRAMS: process.env["DRAFTFS_PROPERTY_PROGRAMS"] ?? "200",
            DRAFTFS_ERROR_CODES: process.env["DRAFTFS_ERROR_CODES"] ?? "1",
            DRAFTFS_KILLS: process.env["DRAFTFS_KILLS"] ?? "1000",
            DRAFTFS_POINTS_STRIDE: process.env["DRAFTFS_POINTS_STRIDE"] ?? "3",
            DRAFTFS_POWER_CUTS: process.env["DRAFTFS_POWER_CUTS"] ?? "0.15",
            DRAFTFS_ROUNDS: process.env["DRAFTFS_ROUNDS"] ?? "10",
          },
          testTimeout: 900_000,
        },
      },
      {
        extends: true,
        test: {
          name: "exhaustive",
          include: ["test/**/*.long.ts", "property-tests/**/*.long.ts"],
          exclude: long.filter((file) => !sweeps.includes(file)),
          env: { DRAFTFS_PROPERTY_SEED: process.env["DRAFTFS_PROPERTY_SEED"] ?? "random" },
          testTimeout: 900_000,
        },
      },
    ],
  },
});

export default config;
