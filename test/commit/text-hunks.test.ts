import { structuredPatch } from "diff";
import { describe, expect, it } from "vitest";
import { textHunksOf } from "../../src/commit/text-hunks.ts";
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
