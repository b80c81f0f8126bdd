import { describe, expect, it } from "vitest";
import { healthAlertsOf } from "../../src/metrics/system-health.ts";

const MIB = 1024 * 1024;
const bound = 100 * MIB;
const well = { memoryFreeBytes: bound, diskFreeBytes: bound, isJournalStuck: false };

describe("an alert about the system", () => {
  it("is not raised where there is room for what an overlay may hold", () => {
    expect(healthAlertsOf(well, bound)).toEqual([]);
  });

  it.each([
    [{ memoryFreeBytes: bound - 1 }, "memory", /^99 MiB of memory are left.*\(100 MiB\)/],
    [{ diskFreeBytes: 5 * MIB }, "disk_space", /^The disk has 5 MiB left.*\(100 MiB\)/],
    [{ isJournalStuck: true }, "stuck_journal", /draftfs recover/],
  ] as const)("is raised by %j", (wrong, id, message) => {
    expect(healthAlertsOf({ ...well, ...wrong }, bound)).toEqual([
      expect.objectContaining({
        ...{ id, kind: "SystemHealthAlert", severity: "warning" },
        message: expect.stringMatching(message),
      }),
    ]);
  });
});
