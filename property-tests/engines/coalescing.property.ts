import { describe, expect, it } from "vitest";
import { applyEdit } from "../../src/engines/coalesce/apply-edit.ts";
import type { Edit } from "../../src/engines/coalesce/edit.ts";
import { PieceList } from "../../src/engines/coalesce/piece-list.ts";
import { fc } from "../../test/support/properties.ts";

const alphabet = fc.constantFrom("a", "b", "ab", "\n", "\r\n", "é", "\ufeff", "漢", "$&", "");
const text = fc.array(alphabet, { maxLength: 12 }).map((parts) => parts.join(""));
const bytes = fc.oneof(
  text.map((value) => Buffer.from(value)),
  fc.uint8Array({ maxLength: 24 }).map((value) => Buffer.from(value)),
);

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    kind: fc.constant("string" as const),
    oldText: text,
    newText: text,
    replaceAll: fc.boolean(),
    lineEndings: fc.constantFrom("exact" as const, "match" as const),
  }),
  fc.record({
    kind: fc.constant("lines" as const),
    first: fc.integer({ min: 0, max: 6 }),
    last: fc.integer({ min: 0, max: 6 }),
    text,
  }),
  fc.record({
    kind: fc.constant("bytes" as const),
    offset: fc.integer({ min: 0, max: 20 }),
    length: fc.integer({ min: 0, max: 8 }),
    bytes: fc.uint8Array({ maxLength: 6 }),
  }),
);

describe("coalesced edits", () => {
  it("give what the edits give one after the other, each on a file of its own", () => {
    fc.assert(
      fc.property(bytes, fc.array(edit, { maxLength: 12 }), (content, edits) => {
        const coalesced = new PieceList(content);
        let sequential: Buffer = Buffer.from(content);
        for (const step of edits) {
          const alone = new PieceList(sequential);
          const expected = applyEdit(alone, step);
          expect(applyEdit(coalesced, step)).toEqual(expected);
          sequential = Buffer.from(alone.toBytes());
        }
        expect(coalesced.toBytes().equals(sequential)).toBe(true);
      }),
      { numRuns: 800 },
    );
  });
});

describe("an exact string edit", () => {
  it("is what String.replace does on the text", () => {
    fc.assert(
      fc.property(text, text, text, fc.boolean(), (content, oldText, newText, replaceAll) => {
        const body = content.replaceAll("\ufeff", "");
        const list = new PieceList(Buffer.from(body));
        const outcome = applyEdit(list, { kind: "string", oldText, newText, replaceAll });
        const parts = body.split(oldText);
        const applies = oldText !== "" && oldText !== newText && parts.length > 1;
        fc.pre(oldText !== "" || body !== "");
        if (applies && (replaceAll || parts.length === 2)) {
          expect(list.toBytes().toString()).toBe(parts.join(newText));
          expect(outcome).toEqual({ kind: "applied", replacements: parts.length - 1 });
        } else {
          expect(outcome.kind).toBe("failed");
          expect(list.toBytes().toString()).toBe(body);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("a piece list", () => {
  const few = (maxLength: number, minLength = 0) =>
    fc.uint8Array({ minLength, maxLength, max: 3 }).map((values) => {
      return values.map((value) => (value === 3 ? 0x0a : value));
    });
  const step = fc.tuple(fc.nat(40), fc.nat(10), few(5));
  const feedsOf = (bytes: Buffer) =>
    [...bytes.keys()].filter((position) => bytes[position] === 0x0a);
  const feedsIn = (list: PieceList) => {
    const feeds = list.lineFeeds();
    expect(feeds.at(feeds.count)).toBeUndefined();
    return Array.from({ length: feeds.count }, (_, index) => feeds.at(index));
  };

  it("is a buffer that is spliced and searched", () => {
    fc.assert(
      fc.property(
        few(30),
        fc.array(step, { maxLength: 30 }),
        few(6, 1),
        fc.nat(40),
        (content, steps, needle, from) => {
          const list = new PieceList(content);
          let model = Buffer.from(content);
          for (const [at, count, inserted] of steps) {
            const offset = Math.min(at, model.length);
            const length = Math.min(count, model.length - offset);
            expect(feedsIn(list)).toEqual(feedsOf(model));
            list.splice(offset, length, inserted);
            model = Buffer.concat([
              model.subarray(0, offset),
              inserted,
              model.subarray(offset + length),
            ]);
          }
          expect(feedsIn(list)).toEqual(feedsOf(model));
          expect(list.size).toBe(model.length);
          expect(list.toBytes().equals(model)).toBe(true);
          expect(list.indexOf(needle, from)).toBe(model.indexOf(needle, from));
          expect(list.slice(from, from + 5).equals(model.subarray(from, from + 5))).toBe(true);
        },
      ),
      { numRuns: 800 },
    );
  });
});
