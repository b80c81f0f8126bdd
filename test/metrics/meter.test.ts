import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it, vi } from "vitest";
import { type BatchBuilder, batch } from "../../src/engines/batch/batch.ts";
import { transaction } from "../../src/engines/batch/transaction.ts";
import { KIB, MIB } from "../../src/limits.ts";
import { type Measurement, noIo } from "../../src/metrics/measurement.ts";
import { MeasurementWindow } from "../../src/metrics/measurement-window.ts";
import { Meter, type OperationReport } from "../../src/metrics/meter.ts";
import { plainOverlay } from "../engines/support/plain-overlay.ts";

const nothing: OperationReport = { io: noIo, optimization: "none", baselineCalls: 0 };
const operation = { name: "work", sizeBytes: 0 };

function listening(): { readonly meter: Meter; readonly seen: Measurement[] } {
  const seen: Measurement[] = [];
  return { meter: new Meter((measurement) => seen.push(measurement)), seen };
}

describe("a measurement", () => {
  it("has an id of its own, whichever meter and engine it comes from", async () => {
    const { meter, seen } = listening();
    const overlay = plainOverlay();
    const observer = (measurement: Measurement) => seen.push(measurement);
    for (const options of [{ meter }, { observer }]) {
      await batch(overlay, (b) => b.write("a", "1"), options);
      await transaction(overlay, (t) => t.write("b", "22"), options);
    }
    expect(seen.map(({ operation: name }) => name)).toEqual([
      "batch",
      "transaction",
      "batch",
      "transaction",
    ]);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(4);
  });

  it("has of a batch the counts alone, whatever the batch tells of its files", async () => {
    const { meter, seen } = listening();
    const overlay = plainOverlay();
    await batch(overlay, (b) => b.write("a", "1").write("b", "2"), { meter });
    const write = (b: BatchBuilder) => b.write("a", "secret").remove("missing");
    await batch(overlay, write, { meter });
    await batch(overlay, write, { meter, atomic: false });
    for (const { io } of seen) {
      expect(Object.keys(io ?? {}).sort()).toEqual(Object.keys(noIo).sort());
    }
    expect(seen.map(({ io }) => io?.writes)).toEqual([2, 0, 1]);
  });

  it("tracks of a batch and a transaction what their meter tracks", async () => {
    const seen: Measurement[] = [];
    const tracking = {
      timing: false,
      memory: false,
      io: false,
      system: true,
      integrityChecks: true,
      rollbacks: true,
      recoveries: true,
    };
    const meter = new Meter((measurement) => seen.push(measurement), tracking);
    const overlay = plainOverlay();
    await batch(overlay, (b) => b.write("a", "1"), { meter });
    await transaction(overlay, (t) => t.write("b", "22"), { meter });
    for (const measurement of seen) {
      expect(measurement).toMatchObject({
        durationMs: undefined,
        memory: undefined,
        io: undefined,
        systemLoad: expect.any(Number),
      });
    }
    expect(seen).toMatchObject([{ sizeBytes: 1 }, { sizeBytes: 2 }]);
  });

  it("lasts until asynchronous work is done, and has failed when that fails", async () => {
    const { meter, seen } = listening();
    const events: string[] = [];
    const work = async () => {
      await sleep(1);
      events.push("done");
      return 7;
    };
    const result = meter.measure(operation, work, (value) => ({ ...nothing, sizeBytes: value }));
    expect(seen).toEqual([]);
    expect(await result).toBe(7);
    expect(seen).toMatchObject([{ outcome: "done", sizeBytes: 7 }]);
    const failing = meter.measure(
      operation,
      () => Promise.reject(new Error("no")),
      () => nothing,
    );
    await expect(failing).rejects.toThrow("no");
    expect(seen).toMatchObject([{ outcome: "done" }, { outcome: "failed" }]);
    expect(() =>
      meter.measure(
        operation,
        () => {
          throw new Error("at once");
        },
        () => nothing,
      ),
    ).toThrow("at once");
    expect(seen[2]).toMatchObject({ outcome: "failed", gain: 0 });
  });

  it("covers the function of a transaction, and one that it throws in", async () => {
    const { meter, seen } = listening();
    const overlay = plainOverlay();
    let isInside = false;
    await transaction(
      overlay,
      async (t) => {
        await sleep(1);
        isInside = seen.length === 0;
        t.write("a", "12");
        t.write("a", "123");
      },
      { meter },
    );
    expect(isInside).toBe(true);
    expect(seen).toMatchObject([{ sizeBytes: 5, baselineCalls: 2, gain: 0.5 }]);
    const failing = transaction(
      overlay,
      () => {
        throw new Error("no");
      },
      { meter },
    );
    await expect(failing).rejects.toThrow("no");
    expect(seen[1]).toMatchObject({ operation: "transaction", outcome: "failed" });
  });

  it("tells a loss as it is", () => {
    const { meter, seen } = listening();
    const io = { ...noIo, reads: 3 };
    meter.measure(
      operation,
      () => 0,
      () => ({ io, optimization: "coalesce", baselineCalls: 2 }),
    );
    expect(seen[0]?.gain).toBe(-0.5);
  });

  it("has as peak what the process has never held before, also when it is freed by the end", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const { meter, seen } = listening();
    const high = process.resourceUsage().maxRSS * KIB;
    const bytes = high - process.memoryUsage.rss() + 64 * MIB;
    await meter.measure(
      operation,
      async () => {
        // Written to, so that it is really there.
        Buffer.alloc(bytes, 1);
        // The next sample is taken 50 ms after the last.
        await sleep(60);
        collectGarbage();
        // V8 gives it back on a thread of its own.
        await vi.waitFor(() => expect(process.memoryUsage.rss()).toBeLessThan(high + 16 * MIB), {
          timeout: 10_000,
        });
      },
      () => nothing,
    );
    const { peak = 0, after = 0 } = seen[0]?.memory ?? {};
    expect(peak).toBeGreaterThanOrEqual(high + 32 * MIB);
    expect(after).toBeLessThan(peak - 32 * MIB);
  });

  it("shares one sample of the memory with others of the same moment", () => {
    const { meter, seen } = listening();
    const clock = vi.spyOn(performance, "now").mockReturnValue(1000);
    for (let count = 0; count < 2; count++) {
      meter.measure(
        operation,
        () => 0,
        () => nothing,
      );
    }
    clock.mockRestore();
    const [first, second] = seen.map(({ memory }) => memory);
    expect(first).toEqual({ before: first?.peak, peak: first?.after, after: first?.before });
    expect(first?.before).toBeGreaterThan(MIB);
    expect(second).toBe(first);
  });
});

describe("a window", () => {
  it("averages what was done: losses count, failures and refusals do not", () => {
    const window = new MeasurementWindow();
    const { meter, seen } = listening();
    meter.measure(
      operation,
      () => 0,
      () => nothing,
    );
    const [one] = seen;
    if (one === undefined) throw new Error("nothing was measured");
    const add = (gain: number, outcome: Measurement["outcome"], durationMs: number) =>
      window.observe({ ...one, optimization: "batch", gain, outcome, durationMs });
    add(0.5, "done", 10);
    add(-0.1, "done", 20);
    add(1, "failed", 5000);
    add(1, "refused", 5000);
    expect(window.aggregate(0.3)).toMatchObject({
      operations: 3,
      refused: 1,
      optimized: 3,
      failed: 1,
      averageGain: 0.2,
      meetsTarget: false,
      durationP95Ms: 20,
    });
  });
});
