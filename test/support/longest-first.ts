import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * The files that take longest, by processor time. Some are a few lines long, and vitest, which knows
 * nothing but sizes on a fresh machine, would begin them last: all processes but one would be idle.
 */
const longest = [
  "test/conformance/other-variants-even.long.ts",
  "test/conformance/other-variants-odd.long.ts",
  "test/crash/kills/kills.long.ts",
  "test/sandbox/commit.long.ts",
  "test/conformance/unprivileged.long.ts",
  "test/sandbox/unprivileged.long.ts",
  "test/crash/commit-errors.long.ts",
  "test/recovery/faults.long.ts",
  "test/sandbox/fuse.long.ts",
  "test/sandbox/fuse-suites.long.ts",
  "test/crash/block/power-cut.long.ts",
  "test/crash/commit-kill.long.ts",
  "test/crash/layered.long.ts",
  "test/cli/bad-input.test.ts",
  "test/cli/history.long.ts",
  "test/sandbox/moved-files.test.ts",
  "test/cli/find-root.test.ts",
  "test/cli/config.test.ts",
  "test/cli/run.test.ts",
  "test/crash/commit-large.long.ts",
  "test/crash/written-names.test.ts",
  "test/crash/commit-death.test.ts",
  "property-tests/overlay/overlay.long.ts",
  "test/recovery/faults.test.ts",
  "test/crash/commit-errors.test.ts",
  "test/sandbox/session.test.ts",
  "test/sandbox/differential.test.ts",
];

/** Begins with the longest files, and goes on as vitest would. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const root = this.ctx.config.root;
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = longest.indexOf(relative(root, moduleId));
      return rank < 0 ? longest.length : rank;
    };
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
