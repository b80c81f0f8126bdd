import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mergeTexts } from "../../src/commit/conflict/merge.ts";
import { fc } from "../support/properties.ts";
import { TemporaryRoot } from "./scenario.ts";

function merged(base: string, ours: string, theirs: string, markers = false) {
  const result = mergeTexts(Buffer.from(base), Buffer.from(ours), Buffer.from(theirs), { markers });
  return result && { text: result.bytes.toString(), conflicts: result.conflicts };
}

interface Sides {
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

/**
 * What git makes of each, with the names of the sides that we use. A shell starts it for all:
 * starting a process from this large one takes several times as long.
 */
function mergedByGit(directory: string, merges: readonly Sides[]) {
  for (const [index, sides] of merges.entries()) {
    for (const [side, text] of Object.entries(sides)) {
      fs.writeFileSync(join(directory, `${index}.${side}`), text, "latin1");
    }
  }
  const merge = "git merge-file --diff3 -p -L draft -L base -L disk $i.ours $i.base $i.theirs";
  const script = `for i in ${[...merges.keys()].join(" ")}; do ${merge} >$i.merged; echo $?; done`;
  const { stdout } = spawnSync("sh", ["-c", script], { cwd: directory, encoding: "utf8" });
  const statuses = stdout.trimEnd().split("\n").map(Number);
  return merges.map((_, index) => ({
    conflicts: statuses[index] ?? -1,
    text: fs.readFileSync(join(directory, `${index}.merged`), "latin1"),
  }));
}

test("changes at different places are both taken", () => {
  const result = merged("1\n2\n3\n4\n5\n", "one\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\nsix\n");
  expect(result).toEqual({ text: "one\n2\n3\n4\n5\nsix\n", conflicts: 0 });
});

test("the same change on both sides is no conflict", () => {
  expect(merged("a\nb\n", "a\nB\n", "a\nB\n")).toEqual({ text: "a\nB\n", conflicts: 0 });
});

test("a conflict is given up without markers, and laid out as diff3 does with them", () => {
  const sides = ["a\nb\nc\n", "a\nours\nc\n", "a\ntheirs\nc\n"] as const;
  expect(merged(...sides)).toBeUndefined();
  expect(merged(...sides, true)).toEqual({
    text: "a\n<<<<<<< draft\nours\n||||||| base\nb\n=======\ntheirs\n>>>>>>> disk\nc\n",
    conflicts: 1,
  });
});

test("lines keep their ends, and a last line without an end stays without", () => {
  expect(merged("a\r\nb\r\nc\r\nd", "A\r\nb\r\nc\r\nd", "a\r\nb\r\nc\r\nD")?.text).toBe(
    "A\r\nb\r\nc\r\nD",
  );
  expect(merged("a\nb\nc\nd\n", "a\nb\nc\nd", "A\nb\nc\nd\n")?.text).toBe("A\nb\nc\nd");
});

test("markers begin a line of their own where the last lines have no end", () => {
  expect(merged("a", "b", "c", true)?.text).toBe(
    "<<<<<<< draft\nb\n||||||| base\na\n=======\nc\n>>>>>>> disk\n",
  );
});

test("texts with carriage returns get markers that end alike, as git writes them", () => {
  using directory = TemporaryRoot.inMemory();
  const [base, ours, theirs] = ["b", "ours", "theirs"].map((word) => `a\r\n${word}\r\nc\r\n`) as [
    string,
    string,
    string,
  ];
  const [git] = mergedByGit(directory.path, [{ base, ours, theirs }]);
  expect(merged(base, ours, theirs, true)).toEqual(git);
});

test("content with a NUL on any side is refused, markers or not", () => {
  const binary = "a\0b\n";
  for (const markers of [false, true]) {
    expect(merged(binary, "a\n", "b\n", markers)).toBeUndefined();
    expect(merged("a\n", binary, "a\n", markers)).toBeUndefined();
    expect(merged("a\n", "a\n", binary, markers)).toBeUndefined();
  }
});

test("bytes that are no UTF-8 come through unaltered", () => {
  const line = Buffer.from([0xff, 0xfe, 0x85, 0xe2, 0x28, 0x0a]);
  const rest = Buffer.from("1\n2\n3\n");
  const result = mergeTexts(
    Buffer.concat([line, rest]),
    Buffer.concat([line, rest, line]),
    Buffer.concat([line, line, rest]),
  );
  expect(result?.bytes).toEqual(Buffer.concat([line, line, rest, line]));
});

test("empty texts are texts", () => {
  expect(merged("", "", "")).toEqual({ text: "", conflicts: 0 });
  expect(merged("", "a\n", "")).toEqual({ text: "a\n", conflicts: 0 });
  expect(merged("a\n", "", "a\n")).toEqual({ text: "", conflicts: 0 });
  expect(merged("a\n", "", "b\n")).toBeUndefined();
});

/** Distinct lines: with equal ones, several merges are right, and diffs differ. */
const lines = fc.array(fc.constantFrom("\n", "\r\n", "ü\n"), { minLength: 1, maxLength: 14 });
const lineEdit = fc.record({
  at: fc.nat({ max: 13 }),
  kind: fc.constantFrom("replace", "insert", "remove"),
  word: fc.constantFrom("X\n", "Y\r\n", "Z\n"),
});
const lineEdits = fc.array(lineEdit, { maxLength: 3 });

function edited(
  base: readonly string[],
  edits: readonly { readonly at: number; readonly kind: string; readonly word: string }[],
  side: string,
  isOpen: boolean,
): string {
  const result = [...base];
  for (const { at, kind, word } of edits) {
    const text = `${side}${at}${word}`;
    if (kind === "insert") result.splice(at, 0, text);
    else if (at < result.length) result.splice(at, 1, ...(kind === "replace" ? [text] : []));
  }
  const text = result.join("");
  return isOpen ? text.replace(/\r?\n$/, "") : text;
}

/** The base and what two made of it. */
const sides: fc.Arbitrary<Sides> = fc
  .tuple(
    ...([lines, lineEdits, lineEdits, fc.constantFrom("o", "t")] as const),
    fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  )
  .map(([ends, forOurs, forTheirs, side, [open, openOurs, openTheirs]]) => {
    const numbered = ends.map((end, index) => `${index}${end}`);
    return {
      base: edited(numbered, [], "", open),
      ours: edited(numbered, forOurs, "o", openOurs),
      theirs: edited(numbered, forTheirs, side, openTheirs),
    };
  });

test("where git and we both merge without a conflict, the bytes are git's", () => {
  using directory = TemporaryRoot.inMemory();
  let compared = 0;
  fc.assert(
    fc.property(fc.array(sides, { minLength: 10, maxLength: 20, size: "max" }), (merges) => {
      const byGit = mergedByGit(directory.path, merges);
      for (const [index, { base, ours, theirs }] of merges.entries()) {
        const git = byGit[index];
        const [b, o, t] = [base, ours, theirs].map((text) => Buffer.from(text, "latin1"));
        const result = mergeTexts(b as Buffer, o as Buffer, t as Buffer);
        if (result === undefined || git?.conflicts !== 0) continue;
        compared += 1;
        expect(result.bytes.toString("latin1")).toBe(git.text);
      }
    }),
    { numRuns: 30 },
  );
  console.log(`${compared} merges compared`);
  expect(compared).toBeGreaterThan(150);
});
