import fs from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TemporaryTree } from "../../src/disk/temporary-tree.ts";
import { runBatch } from "../../src/engines/batch/run-batch.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { runOptimized } from "../../src/engines/optimizer/run-optimized.ts";
import { optimizerSettingsOf } from "../../src/engines/optimizer-settings.ts";
import { runPlain } from "../../src/engines/run-plain.ts";
import { recordTrace } from "../../src/engines/trace/record-trace.ts";
import { parseTrace } from "../../src/engines/trace/trace.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { viewOf } from "../../test/engines/support/layer-overlay.ts";
import { keptDirectory, plant, treeOf } from "../../test/engines/support/plain-overlay.ts";
import { fc } from "../../test/support/properties.ts";

const lower = keptDirectory();
afterAll(() => fs.rmSync(lower, { recursive: true, force: true }));

const planted = { a: "one two", "d/b": "one", "d/e/c": "two", "d/e/x/y": "one", f: "three" };

function plantLower(): void {
  plant(lower, planted);
  fs.mkdirSync(join(lower, "d/empty"), { recursive: true });
  if (!fs.existsSync(join(lower, "link"))) fs.symlinkSync("d", join(lower, "link"));
  if (!fs.existsSync(join(lower, "soft"))) fs.symlinkSync("a", join(lower, "soft"));
}

const path = fc.constantFrom(
  ...["a", "d/b", "d/e/c", "f", "new", "n/x", "n/y/z", "d", "d/e", "link/b", "soft", "link"],
  ...["e", "e/b", "e/e/c", "d/empty", "d/e/x"],
);
const word = fc.constantFrom("one", "two", "three", "found");
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      path,
      bytes: word.map(Buffer.from),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(path, word, word).map(
      ([at, oldText, newText]): Operation => ({
        kind: "edit",
        path: at,
        edits: [{ kind: "string", oldText, newText }],
      }),
    ),
  },
  { weight: 2, arbitrary: path.map((at): Operation => ({ kind: "delete", path: at })) },
  { weight: 2, arbitrary: path.map((at): Operation => ({ kind: "delete_tree", path: at })) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(path, path)
      .map(([at, target]): Operation => ({ kind: "move", path: at, target })),
  },
  { weight: 1, arbitrary: path.map((at): Operation => ({ kind: "make_directory", path: at })) },
);

/** A tree without modes and links, which traces do not hold. */
function contentsOf(tree: Record<string, string>): Record<string, string> {
  const kept = Object.entries(tree).filter(([, node]) => !node.startsWith("->"));
  return Object.fromEntries(kept.map(([at, node]) => [at, node.replace(/^\d+ /, "")]));
}

describe("a recording", () => {
  it("leads from what it met of the old tree to what was left of it, and rests on nothing else", () => {
    plantLower();
    const old = contentsOf(treeOf(lower));
    const lists = fc.array(fc.array(operation, { maxLength: 4 }), { maxLength: 4 });
    let recorded = 0;
    fc.assert(
      fc.property(lists, (batches) => {
        const layer = openLayer({ root: lower });
        const recording = recordTrace(layer);
        for (const [index, operations] of batches.entries()) {
          // Those that fail are taken back, and are not to be seen in the trace.
          if (index % 2 === 0) runBatch(recording.overlay, operations, { atomic: index === 0 });
          else {
            const settings = { ...optimizerSettingsOf(), streamBytesMin: 1 };
            try {
              runOptimized(recording.overlay, operations, { settings });
            } catch {
              // Nothing of it was done.
            }
          }
        }
        const now = contentsOf(viewOf(layer));
        layer.close();
        const { base, commits } = parseTrace(recording.text());
        for (const node of base) {
          expect([node.path, node.bytes?.toString("hex") ?? "/"]).toEqual([
            node.path,
            old[node.path],
          ]);
        }
        using tree = new TemporaryTree(base);
        const { root } = tree;
        const overlay = { root, fs, savepoint: () => 0, rollback: () => {}, release: () => {} };
        for (const { operation: one } of commits.flat()) runPlain(overlay, one);
        recorded += commits.flat().length;
        const replayed = contentsOf(treeOf(root));
        // What the trace does not mention is as it was.
        const untouched = Object.entries(now).filter(([at]) => !(at in replayed));
        for (const [at, node] of untouched) expect([at, node]).toEqual([at, old[at]]);
        expect(replayed).toEqual(
          Object.fromEntries(Object.entries(now).filter(([at]) => at in replayed)),
        );
      }),
      { numRuns: 150 },
    );
    // Some seeds give many programs that fail.
    expect(recorded).toBeGreaterThan(40);
  });
});
