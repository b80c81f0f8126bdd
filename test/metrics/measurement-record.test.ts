import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collectMetrics } from "../../src/config/collect-metrics.ts";
import { defaultConfigValues } from "../../src/config/default-values.ts";
import { measurementOf } from "../../src/metrics/measurement-record.ts";
import { temporaryDirectory } from "../engines/support/plain-overlay.ts";

const line = (more: object) =>
  `${JSON.stringify({
    ...{ id: "a", startedAtMs: 1, operation: "commit", optimization: "none", outcome: "done" },
    ...more,
  })}\n`;

describe("a line of the file of measurements", () => {
  it("is one only with what every measurement has, and has nothing that would not fit", () => {
    expect(measurementOf(line({ outcome: "great" }))).toBeUndefined();
    expect(measurementOf(line({ optimization: 1 }))).toBeUndefined();
    expect(measurementOf(line({ operation: null }))).toBeUndefined();
    const strange = { io: null, memory: "much", gain: "all", safety: { rollback: "maybe" } };
    expect(measurementOf(line({ ...strange, path: 7, durationMs: {} }))).toEqual({
      ...{ id: "a", operation: "commit", optimization: "none", outcome: "done" },
      ...{ path: undefined, sizeBytes: 0, startedAtMs: 1, durationMs: 0, baselineCalls: 0 },
      ...{ memory: undefined, io: undefined, gain: 0, safety: {}, systemLoad: undefined },
    });
  });

  it("stops nobody from collecting, whatever it holds", () => {
    const root = temporaryDirectory();
    const path = join(root, ".write_optimization_metrics.json");
    fs.writeFileSync(path, line({ startedAtMs: Date.now(), io: null, safety: 1 }));
    const metrics = collectMetrics(defaultConfigValues(), { root, watchesSystem: false });
    metrics.flush();
    expect(metrics.alerts).toEqual([]);
  });
});
