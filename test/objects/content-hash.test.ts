import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MIB, vastContentBytesMin } from "../../src/limits.ts";
import { ContentHash } from "../../src/objects/content-hash.ts";
import { objectIdOf } from "../../src/objects/object-id.ts";

/** The id of a content of which these bytes are told. */
function idOf(size: number, pieces: Readonly<Record<number, Uint8Array>>): string {
  const hash = new ContentHash(size);
  for (const [position, bytes] of Object.entries(pieces)) hash.update(bytes, Number(position));
  return hash.digest();
}

const x = Buffer.from("x");

describe("the id of a content", () => {
  it("is git's blob id up to 4 GiB, holes or not", () => {
    const bytes = Buffer.alloc(3 * MIB + 5);
    bytes.set(x, MIB + 7);
    const whole = objectIdOf("blob", bytes);
    expect(idOf(bytes.length, { 0: bytes })).toBe(whole);
    expect(idOf(bytes.length, { [MIB + 7]: x })).toBe(whole);
  });

  const vast = vastContentBytesMin + 10;

  it("is that of a text without the zeros from there on", () => {
    const piece = Buffer.alloc(MIB);
    piece.set(x, 7);
    const last = Buffer.alloc(10);
    last.set(x, 9);
    const sum = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex");
    const text = `draftfs vast content 1\nsize ${vast}\n1 ${sum(piece)}\n4096 ${sum(last)}\n`;
    const wanted = sum(Buffer.from(text));
    expect(idOf(vast, { [MIB + 7]: x, [vast - 1]: x })).toBe(wanted);
  });

  it("does not depend on which zeros are holes, nor on the pieces", () => {
    const bytes = Buffer.alloc(3 * MIB, "ab");
    bytes.fill(0, MIB, 2 * MIB);
    const wanted = idOf(vast, { [5 * MIB]: bytes });
    const cut = (start: number, end: number): Buffer => bytes.subarray(start, end);
    expect(
      idOf(vast, {
        [5 * MIB]: cut(0, 100),
        [5 * MIB + 100]: cut(100, MIB),
        [7 * MIB]: cut(2 * MIB, 3 * MIB),
        [9 * MIB]: Buffer.alloc(MIB),
      }),
    ).toBe(wanted);
    expect(idOf(vast, { [5 * MIB + 2]: bytes })).not.toBe(wanted);
    expect(idOf(vast + 1, { [5 * MIB]: bytes })).not.toBe(wanted);
  });

  it("is that of no content where one ends too early", () => {
    for (const size of [10, vast]) {
      const hash = new ContentHash(size);
      hash.update(x, 0);
      hash.cut();
      expect(hash.digest()).not.toBe(idOf(size, { 0: x }));
    }
  });
});
