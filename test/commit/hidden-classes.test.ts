import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { planCommit } from "../../src/commit/plan/plan.ts";
import { PlannedNodes } from "../../src/commit/plan/planned-nodes.ts";
import { imageOf, imageOfBefore } from "../../src/commit/tree/images.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { haveSameMap } from "../support/hidden-class.ts";
import { TemporaryRoot } from "./scenario.ts";

/** Where in two values plain objects differ in their hidden class. */
function differing(one: unknown, other: unknown, path: string): string[] {
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
    return [];
  }
  if (Buffer.isBuffer(one)) return [];
  const own = haveSameMap(one, other) ? [] : [path];
  const fields = Object.keys(one).flatMap((name) => {
    const [a, b] = [one, other].map((object) => (object as Record<string, unknown>)[name]);
    return differing(a, b, `${path}.${name}`);
  });
  return [...own, ...fields];
}

const files = 12;

test("V8 tells which objects share a hidden class", () => {
  const [one, other] = [{ a: 1 }, { a: 2 }];
  expect(haveSameMap(one, other)).toBe(true);
  expect(haveSameMap(one, { b: 1 })).toBe(false);
});

/**
 * What a commit makes for every file shares its hidden class with what it makes for the others. V8
 * 11 (Node 20) gives one of its own to every object that is written as `{ ...other, more }`, which
 * made a commit of a thousand files a fifth slower. An object that begins with a property of its
 * own, `{ more, ...other }`, does not have that.
 */
test("all that a commit makes for a file has the hidden class of what it makes for another", () => {
  using root = TemporaryRoot.inMemory();
  const pathOf = (name: string, index: number): string => join(root.path, `${name}-${index}`);
  for (let index = 0; index < files; index++) {
    for (const name of ["changed", "deleted"]) fs.writeFileSync(pathOf(name, index), "before");
  }
  const layer = openLayer({ root: root.path });
  try {
    for (let index = 0; index < files; index++) {
      layer.fs.writeFileSync(pathOf("changed", index), "after");
      layer.fs.writeFileSync(pathOf("created", index), "new");
      layer.fs.symlinkSync("target", pathOf("linked", index));
      layer.fs.unlinkSync(pathOf("deleted", index));
    }
    const changeSet = diffLayer(layer);
    const plan = planCommit(changeSet);
    const nodes = new PlannedNodes(plan, { hasStableInodes: true });
    const stored = { oid: "0".repeat(40), stored: "blob" as const };
    for (const { before } of plan.expectations) {
      if (before !== undefined) nodes.noteFound(before, imageOfBefore(before, stored));
    }
    for (const { after } of plan.staged) nodes.noteStaged(after, imageOf(after.state, stored));
    const made: Record<string, readonly { readonly path: string }[]> = {
      pending: [...layer.pending()],
      changes: changeSet.changes,
      staged: plan.staged,
      steps: nodes.steps(".draftfs/staging"),
      manifest: nodes.manifestChanges(),
    };
    const wrong = Object.entries(made).flatMap(([what, objects]) =>
      ["changed", "created", "linked", "deleted"].flatMap((name) => {
        const [one, other] = objects.filter(({ path }) => path.startsWith(name)).slice(-2);
        return differing(one, other, `${what} ${name}`);
      }),
    );
    expect(wrong).toEqual([]);
  } finally {
    layer.close();
  }
});
