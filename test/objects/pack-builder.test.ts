import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { openFlags } from "../../src/disk/open-flags.ts";
import { heldPackBytesMax } from "../../src/limits.ts";
import { PackBuilder, type PackSummary } from "../../src/objects/pack-builder.ts";
import { expectBytes, noise } from "./store-fixture.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "draftfs-pack-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Build {
  readonly expected?: number;
  readonly disk?: NodeDisk;
}

/** Builds a pack of about so many bytes, in objects of at most 3 MB. */
async function build(
  bytes: number,
  { expected, disk = new NodeDisk() }: Build = {},
): Promise<{ path: string; summary: PackSummary }> {
  const path = join(directory, `${Math.random()}.pack`);
  const descriptor = disk.open(path, openFlags.createNew, 0o600);
  const options = expected === undefined ? {} : { expectedBytes: expected };
  const pack = new PackBuilder(disk, { descriptor }, options);
  try {
    for (let left = bytes, seed = 1; left > 0; seed++) {
      const size = Math.min(left, seed % 30 === 0 ? 3_000_000 : 50_000 + seed);
      pack.add("blob", noise(size, seed));
      left -= size;
    }
    return { path, summary: pack.finish() };
  } finally {
    await pack.settle().finally(() => disk.close(descriptor));
  }
}

/** Lets git read every object of a pack; its checksum and its index must be those that git makes. */
function expectGitToAgree({ path, summary }: { path: string; summary: PackSummary }): void {
  const copy = `${path}.copy.pack`;
  copyFileSync(path, copy);
  const said = execFileSync("git", ["index-pack", "--strict", copy], { encoding: "utf8" });
  expect(said.trim()).toBe(summary.checksum);
  expectBytes(summary.index(), readFileSync(copy.replace(/\.pack$/, ".idx")));
}

/** Writes beside the caller take long, and come in another order. */
class SlowDisk extends NodeDisk {
  begun = 0;

  override async writeInBackground(
    descriptor: number,
    bytes: Uint8Array,
    position: number,
  ): Promise<void> {
    this.begun += 1;
    await pause(this.begun % 3 === 0 ? 1 : 30);
    await super.writeInBackground(descriptor, bytes, position);
  }
}

/** One of the writes beside the caller fails. */
class FullDisk extends NodeDisk {
  begun = 0;
  readonly #failing: number;

  constructor(failing: number) {
    super();
    this.#failing = failing;
  }

  override writeInBackground(
    descriptor: number,
    bytes: Uint8Array,
    position: number,
  ): Promise<void> {
    if (this.begun++ !== this.#failing) {
      return super.writeInBackground(descriptor, bytes, position);
    }
    return Promise.reject(Object.assign(new Error("ENOSPC: injected"), { code: "ENOSPC" }));
  }
}

describe("a pack", () => {
  const sizes: readonly (readonly [string, number])[] = [
    ["of a few bytes", 2_000],
    ["that fits into memory", 2_000_000],
    ["that nearly fills its memory", heldPackBytesMax - 300_000],
    ["that is larger than its memory", heldPackBytesMax + 5_000_000],
  ];

  it.each(sizes)(
    "%s is what git takes it for, whether its size was expected or not",
    async (_, size) => {
      const grown = await build(size);
      const expected = await build(size, { expected: size });
      expectGitToAgree(grown);
      expectGitToAgree(expected);
      const { bytes: expectedBytes, ...expectedRest } = expected.summary;
      const { bytes: grownBytes, ...grownRest } = grown.summary;
      const index = expect.any(Function);
      expect({ ...expectedRest, index }).toEqual({ ...grownRest, index });
      const onDisk = readFileSync(grown.path);
      expectBytes(readFileSync(expected.path), onDisk);
      expect(onDisk.length).toBe(grown.summary.size);
      for (const held of [expectedBytes, grownBytes]) {
        expect(held !== undefined).toBe(size < heldPackBytesMax);
        if (held !== undefined) expectBytes(Buffer.from(held), onDisk);
      }
    },
  );

  const surprises: readonly (readonly [string, number, Build])[] = [
    ["grows beyond what was expected", 9_000_000, { expected: 2_000_000 }],
    ["grows beyond its memory", heldPackBytesMax + 5_000_000, { expected: 2_000_000 }],
  ];

  it.each(surprises)(
    "is the same, however late it is written, when it %s",
    async (_, size, how) => {
      const disk = new SlowDisk();
      const slow = await build(size, { ...how, disk });
      expect(disk.begun).toBeGreaterThan(0);
      const plain = await build(size, how);
      expect(slow.summary.checksum).toBe(plain.summary.checksum);
      expectBytes(readFileSync(slow.path), readFileSync(plain.path));
      expectGitToAgree(slow);
    },
  );

  it("tells of every write beside the caller that fails", async () => {
    const size = 4_000_000;
    const whole = new FullDisk(-1);
    await build(size, { expected: size, disk: whole });
    expect(whole.begun).toBeGreaterThan(1);
    for (let failing = 0; failing < whole.begun; failing++) {
      const disk = new FullDisk(failing);
      await expect(build(size, { expected: size, disk })).rejects.toThrow("ENOSPC: injected");
    }
  });
});
