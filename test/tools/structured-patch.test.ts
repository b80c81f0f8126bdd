import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Hunk, structuredPatchOf } from "../../src/tools/structured-patch.ts";
import { plainOverlay } from "../engines/support/plain-overlay.ts";
import { fc } from "../support/properties.ts";

function patchTextOf(hunks: readonly Hunk[]): string {
  const blocks = hunks.map(({ oldStart, oldLines, newStart, newLines, lines }) => {
    return `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@\n${lines.join("\n")}\n`;
  });
  return `--- a/file\n+++ b/file\n${blocks.join("")}`;
}

function applied(before: string, hunks: readonly Hunk[]): string {
  const { root } = plainOverlay();
  fs.writeFileSync(join(root, "file"), before);
  if (hunks.length > 0) {
    execFileSync("git", ["apply", "--unidiff-zero", "--whitespace=nowarn", "-"], {
      cwd: root,
      input: patchTextOf(hunks),
    });
  }
  return fs.readFileSync(join(root, "file"), "utf8");
}

const line = fc.constantFrom("a", "b", "c", "d\r", "");
const text = fc
  .tuple(fc.array(line, { maxLength: 24 }), fc.boolean())
  .map(([lines, ends]) => lines.join("\n") + (ends && lines.length > 0 ? "\n" : ""));

describe("a structured patch", () => {
  it("is a patch that git applies", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== "" && after !== "");
        expect(applied(before, structuredPatchOf(before, after))).toBe(after);
      }),
      { numRuns: 30 },
    );
  });

  it("has the hunks of git's own diff for a change in the middle", () => {
    const lines = Array.from({ length: 40 }, (_, index) => `${index}\n`);
    const changed = lines.with(5, "five\n").toSpliced(30, 1);
    const hunks = structuredPatchOf(lines.join(""), changed.join(""));
    expect(hunks.map(({ lines: _lines, ...place }) => place)).toEqual([
      { oldStart: 3, oldLines: 7, newStart: 3, newLines: 7 },
      { oldStart: 28, oldLines: 7, newStart: 28, newLines: 6 },
    ]);
  });

  it("gives up exactness, and not correctness, on texts that have nothing in common", () => {
    const before = Array.from({ length: 3000 }, (_, index) => `old ${index}\n`).join("");
    const after = Array.from({ length: 3000 }, (_, index) => `new ${index}\n`).join("");
    const hunks = structuredPatchOf(before, after);
    expect(hunks).toHaveLength(1);
    expect(applied(before, hunks)).toBe(after);
  });
});
