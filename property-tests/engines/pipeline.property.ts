import fs from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runBatch } from "../../src/engines/batch/run-batch.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { runOptimized } from "../../src/engines/optimizer/run-optimized.ts";
import { optimizerSettingsOf } from "../../src/engines/optimizer-settings.ts";
import type { EngineOverlay } from "../../src/engines/overlay-port.ts";
import { runPlain } from "../../src/engines/run-plain.ts";
import { TemplateCache } from "../../src/engines/template/template-cache.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { viewOf } from "../../test/engines/support/layer-overlay.ts";
import { keptDirectory, plant } from "../../test/engines/support/plain-overlay.ts";
import { fc } from "../../test/support/properties.ts";

const lower = keptDirectory();
afterAll(() => fs.rmSync(lower, { recursive: true, force: true }));

function plantLower(): void {
  plant(lower, { a: "one two\n", "d/b": "one\n", "d/e/c": "two\r\n", f: "three" });
  if (!fs.existsSync(join(lower, "link"))) fs.symlinkSync("d", join(lower, "link"));
  if (!fs.existsSync(join(lower, "soft"))) fs.symlinkSync("a", join(lower, "soft"));
  if (!fs.existsSync(join(lower, "softer"))) fs.symlinkSync("soft", join(lower, "softer"));
  if (!fs.existsSync(join(lower, "hard"))) fs.linkSync(join(lower, "a"), join(lower, "hard"));
}

const path = fc.constantFrom(
  "a",
  "d/b",
  "d/e/c",
  "f",
  "new",
  "n/x",
  "n/y",
  "d",
  "d/e",
  "link/b",
  "soft",
  "softer",
  "hard",
  "n",
);
const content = fc.constantFrom("", "one two\n", "one\n", "three", "two\r\n", "x".repeat(2000));
const word = fc.constantFrom("one", "two", "three", "x", "");
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ path, content }).map(({ path: at, content: text }): Operation => {
      return { kind: "write", path: at, bytes: Buffer.from(text) };
    }),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({
        path,
        edits: fc.array(fc.tuple(word, word, fc.boolean()), { minLength: 1, maxLength: 3 }),
      })
      .map(
        ({ path: at, edits }): Operation => ({
          kind: "edit",
          path: at,
          edits: edits.map(([oldText, newText, replaceAll]) => {
            return { kind: "string", oldText, newText, replaceAll };
          }),
        }),
      ),
  },
  {
    // One that finds its text, as long as nothing came before it.
    weight: 5,
    arbitrary: fc
      .constantFrom(
        ["a", "one"],
        ["d/b", "one"],
        ["d/e/c", "two"],
        ["f", "three"],
        ["link/b", "one"],
      )
      .map(
        ([at = "", oldText = ""]): Operation => ({
          kind: "edit",
          path: at,
          edits: [{ kind: "string", oldText, newText: "found" }],
        }),
      ),
  },
  { weight: 3, arbitrary: path.map((at): Operation => ({ kind: "delete", path: at })) },
  { weight: 1, arbitrary: path.map((at): Operation => ({ kind: "delete_tree", path: at })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(path, path)
      .map(([at, target]): Operation => ({ kind: "move", path: at, target })),
  },
  { weight: 1, arbitrary: path.map((at): Operation => ({ kind: "make_directory", path: at })) },
);

/** The tree after the operations, or that they could not be done. */
function treeAfter(run: (overlay: EngineOverlay) => void): unknown {
  const overlay = openLayer({ root: lower });
  try {
    run(overlay);
    return viewOf(overlay);
  } catch {
    return "failed";
  } finally {
    overlay.close();
  }
}

describe("any pipeline of engines", () => {
  it("gives the tree that plain writes give", () => {
    plantLower();
    let [done, streamed] = [0, 0];
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 9 }),
        fc.integer({ min: 1, max: 5 }),
        // From 1 byte on, every edit of a file that is there may be one by extents.
        fc.constantFrom(1, 5, Number.POSITIVE_INFINITY),
        // Likewise every write one of what is there already.
        fc.constantFrom(0, 1024),
        (all, size, streamBytesMin, contentBytesMin) => {
          // Keep what can be done in sequence: a list that fails has no tree to compare.
          const operations: Operation[] = [];
          const plain = treeAfter((overlay) => {
            for (const one of all) {
              const savepoint = overlay.savepoint();
              try {
                runPlain(overlay, one);
                operations.push(one);
                overlay.release(savepoint);
              } catch {
                overlay.rollback(savepoint);
              }
            }
          });
          done += operations.length;
          const bounds = { batchFilesMax: size, streamBytesMin, contentBytesMin };
          const settings = { ...optimizerSettingsOf(), ...bounds };
          const trees = {
            batch: treeAfter((overlay) => {
              const result = runBatch(overlay, operations, { maxBatchSize: size });
              if (result.outcome === "rolled_back") throw result.error;
            }),
            partial: treeAfter((overlay) => {
              runBatch(overlay, operations, { maxBatchSize: size, atomic: false });
            }),
            pipeline: treeAfter((overlay) => {
              const templates = new TemplateCache();
              const options = { settings, templates };
              const { fallbacks, decisions } = runOptimized(overlay, operations, options);
              streamed += decisions.filter(({ decision }) => decision.strategy === "stream").length;
              for (const { error } of fallbacks) throw error;
            }),
          };
          expect(trees).toEqual({ batch: plain, partial: plain, pipeline: plain });
        },
      ),
      { numRuns: 250 },
    );
    expect(done).toBeGreaterThan(250);
    expect(streamed).toBeGreaterThan(5);
  });
});
