import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dataRangesOf, joinedRanges } from "../../src/disk/data-ranges.ts";
import { MIB } from "../../src/limits.ts";

let directory: string;
let descriptor: number;

beforeEach(() => {
  directory = fs.mkdtempSync(join(os.tmpdir(), "draftfs-ranges-"));
  descriptor = fs.openSync(join(directory, "file"), "wx+");
});

afterEach(() => {
  fs.closeSync(descriptor);
  fs.rmSync(directory, { recursive: true });
});

/** Positions at which a range says that there may be data. */
function holds(size: number, positions: readonly number[]): boolean[] {
  const ranges = [...dataRangesOf(descriptor, size)];
  return positions.map((at) => ranges.some(({ start, end }) => start <= at && at < end));
}

describe("the data ranges of a file", () => {
  it("are all of it where it has no holes", () => {
    fs.writeSync(descriptor, Buffer.alloc(3 * MIB));
    expect([...dataRangesOf(descriptor, 3 * MIB)]).toEqual([{ start: 0, end: 3 * MIB }]);
  });

  it("are none of an empty file, and of one that is a hole", () => {
    expect([...dataRangesOf(descriptor, 0)]).toEqual([]);
    fs.ftruncateSync(descriptor, 40 * MIB);
    expect([...dataRangesOf(descriptor, 40 * MIB)]).toEqual([]);
  });

  it("leave out the holes between, before and behind data", () => {
    fs.ftruncateSync(descriptor, 40 * MIB + 7);
    fs.writeSync(descriptor, "x", 10 * MIB);
    fs.writeSync(descriptor, "x", 20 * MIB + 5000);
    const positions = [0, 10 * MIB, 15 * MIB, 20 * MIB + 5000, 40 * MIB];
    expect(holds(40 * MIB + 7, positions)).toEqual([false, true, false, true, false]);
  });

  it("reach to the end of a file that ends in data", () => {
    fs.ftruncateSync(descriptor, 8 * MIB);
    fs.writeSync(descriptor, "x", 8 * MIB - 1);
    expect(holds(8 * MIB, [0, 8 * MIB - 1])).toEqual([false, true]);
  });
});

it("ranges in any order are joined where they meet", () => {
  const ranges = [
    { start: 5, end: 9 },
    { start: 0, end: 2 },
    { start: 2, end: 3 },
    { start: 6, end: 7 },
  ];
  expect(joinedRanges(ranges)).toEqual([
    { start: 0, end: 3 },
    { start: 5, end: 9 },
  ]);
});
