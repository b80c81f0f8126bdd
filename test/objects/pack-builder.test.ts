import { readFileSync, statSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { adler32 } from "../../src/objects/adler.ts";
import type { ByteSource } from "../../src/objects/byte-source.ts";
import { expectBytes, noise, runGit, StoreFixture } from "./store-fixture.ts";

let fixture: StoreFixture;
beforeEach(() => {
  fixture = new StoreFixture();
});
afterEach(() => fixture.dispose());

function sourceOf(bytes: Buffer, size = bytes.length): ByteSource {
  return {
    size,
    read(buffer, position) {
      // Never more than 100,000 bytes at once, as a reader may.
      const piece = bytes.subarray(position, position + Math.min(buffer.length, 100_000));
      buffer.set(piece);
      return piece.length;
    },
  };
}

const sizes = [
  0, 1, 15, 16, 2047, 2048, 4096, 65_534, 65_535, 65_536, 131_070, 131_071, 1_048_575, 1_048_576,
  1_048_577, 2_097_151, 3_000_000,
];

test("our Adler-32 is zlib's for every length and content", () => {
  for (const size of [...sizes, 3799, 3800, 3801, 7601]) {
    for (const bytes of [noise(size, size + 1), Buffer.alloc(size, 0xff)]) {
      const stream = deflateSync(bytes, { level: 0 });
      expect(adler32(bytes)).toBe(stream.readUInt32BE(stream.length - 4));
      const middle = size >> 1;
      const inTwo = adler32(bytes.subarray(middle), adler32(bytes.subarray(0, middle)));
      expect(inTwo).toBe(adler32(bytes));
    }
  }
});

test("git indexes and verifies a pack of blobs of every size around the block limits", () => {
  const { path, summary, result } = fixture.build((pack) =>
    sizes.flatMap((size) => [
      pack.add("blob", noise(size, size)),
      pack.addContent(sourceOf(noise(size, size + 7))),
    ]),
  );
  const checksum = runGit(["index-pack", "--strict", "-o", `${path}.idx`, path]);
  expect(checksum.toString()).toContain(summary.checksum);
  const listed = runGit(["show-index"], readFileSync(`${path}.idx`)).toString();
  for (const oid of result) expect(listed).toContain(oid);
  expect(summary.size).toBe(statSync(path).size);
});

test("ids are those that git computes", () => {
  for (const size of [0, 5, 65_535, 65_536, 65_537, 1_500_000]) {
    const bytes = noise(size, size);
    const { result } = fixture.build((pack) => pack.addContent(sourceOf(bytes)));
    expect(runGit(["hash-object", "--stdin"], bytes).toString().trim()).toBe(result);
  }
});

test("the same content is stored once, however it comes", () => {
  const small = noise(1000, 1);
  const large = noise(2_500_000, 2);
  const { summary } = fixture.build((pack) => {
    pack.addContent(sourceOf(large));
    expect(pack.addContent(sourceOf(large))).toBe(pack.add("blob", large));
    expect(pack.add("blob", small)).toBe(pack.addContent(sourceOf(small)));
    // What follows a copy that was taken back must lie where the index says.
    pack.addContent(sourceOf(noise(10, 3)));
  });
  expect(summary.entries).toHaveLength(3);
  expect(summary.size).toBeLessThan(2_510_000);
});

test("a pack that outgrows memory is the same pack", () => {
  const oids = fixture.install((pack) =>
    Array.from({ length: 90 }, (_, index) => pack.add("blob", repeated(500_000, index))),
  );
  fixture.git("fsck", "--full", "--strict");
  expectBytes(fixture.gitBytes("cat-file", "blob", oids[77] as string), repeated(500_000, 77));
});

test("a content that ends before its size is refused and the pack stays usable", () => {
  const { path, summary } = fixture.build((pack) => {
    expect(() => pack.addContent(sourceOf(noise(10, 1), 20))).toThrow(/changed while it was read/);
    pack.add("blob", noise(10, 1));
  });
  expect(summary.entries).toHaveLength(1);
  runGit(["index-pack", "--strict", path]);
});

test("an empty pack is a pack", () => {
  const { path } = fixture.build(() => undefined);
  runGit(["index-pack", "--strict", path]);
});

/** Large bytes that are quick to make. */
function repeated(size: number, seed: number): Buffer {
  return Buffer.alloc(size, noise(997, seed));
}
