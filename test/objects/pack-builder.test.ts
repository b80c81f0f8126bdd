import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeDisk } from "../../src/disk/node-disk.ts";
import { openFlags } from "../../src/disk/open-flags.ts";
import { heldPackBytesMax } from "../../src/limits.ts";
import { PackBuilder, type PackSummary } from "../../src/objects/pack-builder.ts";
import { expectBytes, noise } from "./store-fixture.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "draftfs-pack-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Builds a pack of about so many bytes, in objects of at most 3 MB. */
function build(bytes: number, expected?: number): { path: string; summary: PackSummary } {
  const disk = new NodeDisk();
  const path = join(directory, `${Math.random()}.pack`);
  const descriptor = disk.open(path, openFlags.createNew, 0o600);
  const pack = new PackBuilder(disk, descriptor, expected);
  for (let left = bytes, seed = 1; left > 0; seed++) {
    const size = Math.min(left, seed % 7 === 0 ? 3_000_000 : 50_000 + seed);
    pack.add("blob", noise(size, seed));
    left -= size;
  }
  const summary = pack.finish();
  disk.close(descriptor);
  return { path, summary };
}

/** What git says the pack's checksum is, having read every object of it. */
function gitChecksum(path: string): string {
  const copy = `${path}.copy.pack`;
  copyFileSync(path, copy);
  return execFileSync("git", ["index-pack", "--strict", copy], { encoding: "utf8" }).trim();
}

describe("a pack", () => {
  const sizes: readonly (readonly [string, number])[] = [
    ["of a few bytes", 2_000],
    ["that fits into memory", 2_000_000],
    ["that is larger than its memory", heldPackBytesMax + 5_000_000],
  ];

  it.each(sizes)("%s is what git takes it for, whether its size was expected or not", (_, size) => {
    const grown = build(size);
    const expected = build(size, size);
    expect(gitChecksum(grown.path)).toBe(grown.summary.checksum);
    const { bytes: expectedBytes, ...expectedSummary } = expected.summary;
    const { bytes: grownBytes, ...grownSummary } = grown.summary;
    expect(expectedSummary).toEqual(grownSummary);
    const onDisk = readFileSync(grown.path);
    expectBytes(readFileSync(expected.path), onDisk);
    expect(onDisk.length).toBe(grown.summary.size);
    for (const held of [expectedBytes, grownBytes]) {
      expect(held !== undefined).toBe(size < heldPackBytesMax);
      if (held !== undefined) expectBytes(Buffer.from(held), onDisk);
    }
  });
});
