import { describe, expect, it } from "vitest";
import { alignTokens } from "../../src/engines/template/align-tokens.ts";
import { evolveTemplate } from "../../src/engines/template/evolve-template.ts";
import { extractTemplate } from "../../src/engines/template/extract-template.ts";
import { matchTemplate } from "../../src/engines/template/match-template.ts";
import { renderTemplate } from "../../src/engines/template/template.ts";
import { tokensOf } from "../../src/engines/template/template-tokens.ts";
import { isDraftError } from "../../src/errors.ts";
import { fc } from "../../test/support/properties.ts";

const piece = fc.constantFrom(
  "const ",
  "value",
  "User",
  "user",
  "users",
  "USER_ID",
  " ",
  "\n",
  "\r\n",
  "{",
  "}",
  "$&",
  "`",
  "${x}",
  "123",
  "é",
  "漢字",
  "\ufeff",
  "_",
  "-",
  ".",
  "get",
  "Name",
  "\ud83d\ude00",
  "__proto__",
);
const text = fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(""));
const skeleton = "export class Common { shared constant text everywhere }\n";

/** Texts that share a skeleton, with arbitrary text in arbitrary places of it. */
const examples = fc
  .array(fc.tuple(text, text, text), { minLength: 2, maxLength: 5 })
  .map((rows) =>
    rows.map(([a, b, c]) => `${skeleton}${a}${skeleton}${b}${skeleton.repeat(3)}${c}`),
  );

function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isDraftError(error) && error.code === "DRAFT_TEMPLATE") return undefined;
    throw error;
  }
}

describe("a template", () => {
  it("gives back each example when rendered with its data", () => {
    let extracted = 0;
    fc.assert(
      fc.property(examples, (texts) => {
        const found = unlessRefused(() => extractTemplate(texts));
        if (found === undefined) return;
        extracted += 1;
        expect(found.data.map((row) => renderTemplate(found.template, row))).toEqual(texts);
      }),
      { numRuns: 200 },
    );
    expect(extracted).toBeGreaterThan(100);
  });

  it("matches only with data that gives the very text", () => {
    fc.assert(
      fc.property(examples, text, (texts, other) => {
        const found = unlessRefused(() => extractTemplate(texts));
        if (found === undefined) return;
        const instance = `${skeleton}${other}${skeleton}${other}${skeleton.repeat(3)}`;
        const data = matchTemplate(found.template, instance);
        if (data !== undefined) expect(renderTemplate(found.template, data)).toBe(instance);
      }),
      { numRuns: 100 },
    );
  });

  it("renders old data as before when it has evolved, and the new instance too", () => {
    let evolvedCount = 0;
    const cut = fc.tuple(fc.nat(400), fc.nat(12), text);
    fc.assert(
      fc.property(examples, fc.array(cut, { maxLength: 3 }), (texts, cuts) => {
        const found = unlessRefused(() => extractTemplate(texts));
        let instance = texts[0] ?? "";
        for (const [at, length, inserted] of cuts) {
          const letters = [...instance];
          letters.splice(Math.min(at, letters.length), length, inserted);
          instance = letters.join("");
        }
        if (found === undefined) return;
        const evolved = unlessRefused(() => evolveTemplate(found.template, instance));
        if (evolved === undefined) return;
        evolvedCount += 1;
        expect(renderTemplate(evolved.template, evolved.data)).toBe(instance);
        expect(found.data.map((row) => renderTemplate(evolved.template, row))).toEqual(texts);
      }),
      { numRuns: 200 },
    );
    expect(evolvedCount).toBeGreaterThan(75);
  });
});

describe("tokens", () => {
  it("join to the text that they come from", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => tokensOf(value).join("") === value),
    );
  });

  it("are aligned with equals, in order on both sides", () => {
    const tokens = fc.array(fc.constantFrom("aa", "bb", "cc", "d", " "), { maxLength: 40 });
    fc.assert(
      fc.property(tokens, tokens, (left, right) => {
        const pairs = alignTokens(left, right);
        for (const [index, [a, b]] of pairs.entries()) {
          expect(left[a]).toBe(right[b]);
          const next = pairs[index + 1];
          if (next !== undefined) expect(next[0] > a && next[1] > b).toBe(true);
        }
        if (left.join() === right.join()) expect(pairs).toHaveLength(left.length);
      }),
      { numRuns: 500 },
    );
  });
});
