import { applyPatch, structuredPatch } from "diff";
import { describe, expect, it } from "vitest";
import { textHunksOf } from "../../src/commit/patch/text-hunks.ts";
import { fc } from "../support/properties.ts";

const texts = fc
  .array(fc.constantFrom("a", "-", "+", "\n", "\n", "\r\n", " "), { minLength: 1, maxLength: 12 })
  .map((pieces) => pieces.join(""));

const nothing = Buffer.alloc(0);

/** The lines that the library finds for a text that comes. */
function expectedLines(text: string): readonly string[] {
  const patch = structuredPatch("", "", "", text, "", "");
  return patch?.hunks.flatMap(({ lines }) => lines) ?? [];
}

describe("the hunk of a text that comes or goes", () => {
  it("is what comparing it with nothing finds", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const lines = expectedLines(text);
        const count = lines.filter((line) => line.startsWith("+")).length;
        const range = count === 1 ? "1" : `1,${count}`;
        expect(textHunksOf(nothing, Buffer.from(text))).toEqual({
          text: Buffer.from([`@@ -0,0 +${range} @@`, ...lines, ""].join("\n")),
          insertions: count,
          deletions: 0,
          deletedBytes: 0,
        });
        const gone = lines.map((line) => line.replace(/^\+/, "-"));
        expect(textHunksOf(Buffer.from(text), nothing)).toEqual({
          text: Buffer.from([`@@ -${range} +0,0 @@`, ...gone, ""].join("\n")),
          insertions: 0,
          deletions: count,
          deletedBytes: gone
            .filter((line) => line.startsWith("-"))
            .reduce((sum, line) => sum + line.length, 0),
        });
      }),
    );
  });

  it("does not exist where there is nothing on both sides", () => {
    expect(textHunksOf(nothing, nothing).text.length).toBe(0);
  });
});

const lines = fc
  .array(fc.constantFrom("a", "b", "c", "}", "", "unlike\r"), { minLength: 1, maxLength: 30 })
  .chain((some) => fc.constantFrom(some.join("\n"), `${some.join("\n")}\n`));

describe("the hunks between two texts", () => {
  it("are as few lines as can be, and make the one of the other", () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        fc.pre(before !== "" && after !== "");
        const { text, insertions, deletions } = textHunksOf(
          Buffer.from(before),
          Buffer.from(after),
        );
        const shortest = structuredPatch("", "", before, after, "", "");
        const marks = shortest.hunks.flatMap((hunk) => hunk.lines.map((line) => line[0]));
        expect(insertions).toBe(marks.filter((mark) => mark === "+").length);
        expect(deletions).toBe(marks.filter((mark) => mark === "-").length);
        const patch = `--- a\n+++ b\n${text}`;
        expect(applyPatch(before, patch, { autoConvertLineEndings: false })).toBe(after);
      }),
      { numRuns: 500 },
    );
  });

  it("keep the lines between that are the same, however many others have changed", () => {
    const numbered = (change: (line: string, index: number) => string) =>
      Buffer.from(Array.from({ length: 9000 }, (_, at) => change(`line ${at}\n`, at)).join(""));
    const before = numbered((line) => line);
    const after = numbered((line, at) => (at % 3 === 0 ? `  ${line}` : line));
    expect(textHunksOf(before, after)).toMatchObject({ insertions: 3000, deletions: 3000 });
  });

  it("replace what lies between first and last difference where the shortest takes too long", () => {
    const shuffled = (factor: number) =>
      Buffer.from(Array.from({ length: 5001 }, (_, at) => `${(at * factor) % 5001}\n`).join(""));
    const { insertions, deletions } = textHunksOf(shuffled(1), shuffled(2003));
    expect(insertions).toBe(deletions);
    expect(insertions).toBeGreaterThan(4990);
  });
});
