import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { TemporaryTree } from "../../src/disk/temporary-tree.ts";
import { runPlain } from "../../src/engines/run-plain.ts";
import { parseTrace } from "../../src/engines/trace/trace.ts";
import { traceOfChanges } from "../../src/engines/trace/trace-changes.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { treeOf } from "../../test/engines/support/plain-overlay.ts";
import { fc } from "../../test/support/properties.ts";

/** Files of the old tree, with directories in directories and an empty one. */
const planted = ["a/a", "a/b", "a/c/a", "b/a", "b/b/a", "b/b/c", "c", "d/c", "d/d"];

const name = fc.constantFrom("a", "b", "c", "d");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));

const step = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), path, text: fc.string({ maxLength: 4 }) }),
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("move" as const), path, target: path }) },
  fc.record({ kind: fc.constant("remove" as const), path }),
  fc.record({ kind: fc.constant("directory" as const), path }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Does what can be done; what cannot is no change. */
function attempt(files: typeof fs, root: string, done: Step): void {
  const at = join(root, done.path);
  try {
    if (done.kind === "write") files.writeFileSync(at, done.text);
    else if (done.kind === "move") files.renameSync(at, join(root, done.target));
    else if (done.kind === "remove") files.rmSync(at, { recursive: true });
    else files.mkdirSync(at);
  } catch {
    // As on a disk, a refused call has done nothing.
  }
}

function replayIn(tree: TemporaryTree, text: string): Record<string, string> {
  const { root } = tree;
  const overlay = { root, fs, savepoint: () => 0, rollback: () => {}, release: () => {} };
  for (const { operation } of parseTrace(text).commits.flat()) runPlain(overlay, operation);
  return contentsOf(root);
}

/** Files and directories without their modes, which traces do not hold. */
function contentsOf(root: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(treeOf(root)).map(([at, node]) => [at, node.replace(/^\d+ /, "")]),
  );
}

describe("a trace of changes", () => {
  it("leads from the old tree to the new one, also where nothing else of the old one is", () => {
    const files = planted.map((at) => ({ path: at, bytes: Buffer.from(at) }));
    const steps = fc.array(step, { minLength: 1, maxLength: 30, size: "max" });
    fc.assert(
      fc.property(steps, (changed) => {
        using tree = new TemporaryTree([...files, { path: "a/d", bytes: undefined }]);
        const { root } = tree;
        const layer = openLayer({ root });
        try {
          for (const made of changed) attempt(layer.fs as typeof fs, root, made);
          const text = traceOfChanges(diffLayer(layer), layer.lower);
          const { base } = parseTrace(text);
          const oldTree = [...Object.entries(contentsOf(root))].map(([at, hex]) => {
            return { path: at, bytes: hex === "/" ? undefined : Buffer.from(hex, "hex") };
          });
          // The same on the disk is what the layer shows.
          for (const made of changed) attempt(fs, root, made);
          const wanted = contentsOf(root);
          using whole = new TemporaryTree(oldTree);
          expect(replayIn(whole, text)).toEqual(wanted);
          using alone = new TemporaryTree(base);
          expect(wanted).toMatchObject(replayIn(alone, text));
        } finally {
          layer.close();
        }
      }),
      { numRuns: 80 },
    );
  });
});
