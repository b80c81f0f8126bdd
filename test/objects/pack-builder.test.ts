import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeDisk } from "../../src/disk/node-disk.ts";
import { openFlags } from "../../src/disk/open-flags.ts";
import { heldPackBytesMax, threadedHashBytesMin } from "../../src/limits.ts";
import { PackBuilder, type PackSummary } from "../../src/objects/pack-builder.ts";
import { noise } from "./store-fixture.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "draftfs-pack-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Builds a pack of about so many bytes, in objects of at most 3 MB. */
async function build(
  bytes: number,
  options: { readonly expected?: number; readonly thread: boolean },
): Promise<{ path: string; summary: PackSummary }> {
  const disk = new NodeDisk();
  const path = join(directory, `${Math.random()}.pack`);
  const descriptor = disk.open(path, openFlags.createNew, 0o600);
  const pack = new PackBuilder(disk, descriptor, options.expected);
  for (let left = bytes, seed = 1; left > 0; seed++) {
    const size = Math.min(left, seed % 7 === 0 ? 3_000_000 : 50_000 + seed);
    pack.add("blob", noise(size, seed));
    left -= size;
  }
  const summary = options.thread ? await pack.finishOnThread() : pack.finish();
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
    ["too small for a thread", 2_000],
    ["that fits into memory", threadedHashBytesMin * 8],
    ["that is larger than its memory", heldPackBytesMax + 5_000_000],
  ];

  it.each(sizes)("%s is what git takes it for, by a thread and without", async (_, size) => {
    const direct = await build(size, { thread: false });
    const threaded = await build(size, { thread: true, expected: size });
    expect(gitChecksum(direct.path)).toBe(direct.summary.checksum);
    expect(threaded.summary).toEqual(direct.summary);
    expect(readFileSync(threaded.path).equals(readFileSync(direct.path))).toBe(true);
    expect(readFileSync(direct.path)).toHaveLength(direct.summary.size);
  });
});
