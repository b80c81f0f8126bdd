import { closeSync, fstatSync, futimesSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { kernelTimeOf, timeOf } from "../../src/disk/node/node-time.ts";

const directory = mkdtempSync(join(tmpdir(), "draftfs-node-time-"));
const descriptor = openSync(join(directory, "f"), "w");
afterAll(() => {
  closeSync(descriptor);
  rmSync(directory, { recursive: true });
});

/** Of the seconds that an ext4 can hold. */
const inRange = { min: -(2 ** 31) + 1, max: 2 ** 32, noNaN: true };

/** What a file has once Node was told to set this time. */
function keptNs(time: number | string): bigint {
  futimesSync(descriptor, time, time);
  return fstatSync(descriptor, { bigint: true }).mtimeNs;
}

test("a time in seconds is what libuv makes of it", () => {
  const decimal = fc.integer({ min: -1e15, max: 4e15 }).map((microseconds) => microseconds / 1e6);
  fc.assert(
    fc.property(fc.oneof(fc.double(inRange), decimal), (time) => {
      const { seconds, nanoseconds } = kernelTimeOf(time);
      const wantedNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
      expect(wantedNs).toBe(keptNs(time < 0 ? String(time) : time));
    }),
    { numRuns: 2000 },
  );
});

test("a time in nanoseconds is set to its microsecond, a whole second exactly", () => {
  const timesNs = fc.bigInt(BigInt(inRange.min) * 1_000_000_000n, 2n ** 32n * 1_000_000_000n);
  fc.assert(
    fc.property(timesNs, (timeNs) => {
      expect(keptNs(timeOf(timeNs)) / 1000n).toBe(timeNs / 1000n);
      const wholeNs = timeNs - (timeNs % 1_000_000_000n);
      expect(keptNs(timeOf(wholeNs))).toBe(wholeNs);
    }),
    { numRuns: 2000 },
  );
});

test("what was set once is set again without a change", () => {
  fc.assert(
    fc.property(fc.double({ ...inRange, min: 0 }), (time) => {
      const setNs = keptNs(time);
      expect(keptNs(timeOf(setNs))).toBe(setNs);
    }),
    { numRuns: 2000 },
  );
});
