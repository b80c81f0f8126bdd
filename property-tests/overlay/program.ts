import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { pageBytes } from "../../src/overlay/content/page.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { treeDifferences } from "../../test/conformance/harness/difference.ts";
import { changesBetween, fingerprintOf } from "../../test/conformance/harness/lower-guard.ts";
import {
  directory,
  hardlink,
  plant,
  type Seed,
  symlink,
} from "../../test/conformance/harness/seed.ts";
import { removeTree } from "../../test/support/remove-tree.ts";
import { Actor } from "./actor.ts";
import { type Action, anyAction, handleAction, operationKinds } from "./operations.ts";

/** One step of a program: who does what. */
export interface Step {
  readonly actor: number;
  readonly action: Action;
}

/** What one of the actors may hold in memory, so that what it writes is spilled soon, in pages. */
export const pagesInMemory = 4;

/** What each program starts from. */
export const seed: Seed = {
  a: "alpha",
  b: directory(),
  "b/a": "b's alpha".repeat(600),
  "b/c": directory(),
  "b/c/a": "deep",
  "b/e": symlink("a"),
  c: symlink("b"),
  d: directory(),
  "d/a": hardlink("a"),
  "d/d": directory(),
};

/** Draws what is done with a savepoint. */
export const savepointAction = fc
  .constantFrom("savepoint", "rollback", "release")
  .map((kind): Action => ({ kind, input: null }));

/** Kinds of operation that programs are made of. */
export const kindsCount = operationKinds.length + 3;

/** Random programs of two actors. */
export function anyProgram(maxSteps: number): fc.Arbitrary<readonly Step[]> {
  const action = fc.oneof(
    { weight: 12, arbitrary: anyAction },
    { weight: 6, arbitrary: handleAction },
    { weight: 3, arbitrary: savepointAction },
  );
  return fc.array(fc.record({ actor: fc.nat(1), action }), { maxLength: maxSteps, size: "max" });
}

/**
 * Runs a program: two overlays over one lower, each against a real directory of its own.
 *
 * @throws when a step, a tree, the isolation of the two, the lower or the final rollback is wrong.
 */
export function runProgram(program: readonly Step[]): void {
  const home = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-model-")));
  const lower = join(home, "low");
  const mirrors = ["mi0", "mi1"].map((name) => join(home, name));
  for (const root of [lower, ...mirrors]) {
    nodeFs.mkdirSync(root, 0o755);
    plant(nodeFs, root, seed);
  }
  const before = fingerprintOf(nodeFs, lower);
  const stagingDirectory = join(home, "staging");
  nodeFs.mkdirSync(stagingDirectory);
  const actors = mirrors.map((mirror, index) => {
    const pressed = { memoryLimitBytes: pagesInMemory * pageBytes, stagingDirectory };
    const layer = openLayer({ root: lower, ...(index === 0 ? {} : pressed) });
    return { layer, model: new Actor(layer, lower, mirror) };
  });
  try {
    const starts = actors.map(({ layer, model }) => ({
      layer,
      model,
      view: model.view(),
      savepoint: layer.savepoint(),
    }));
    for (const { actor, action } of program) actors[actor]?.model.step(action);
    for (const { model } of actors) model.compareTrees();
    for (const { layer, model, view, savepoint } of starts) {
      model.close();
      layer.close();
      layer.rollback(savepoint);
      const differences = treeDifferences(view, model.view());
      if (differences.length > 0) {
        throw new Error(`Rolled back to another tree: ${JSON.stringify(differences, null, 1)}`);
      }
    }
    const changes = changesBetween(before, fingerprintOf(nodeFs, lower));
    if (changes.length > 0) throw new Error(`The lower has changed: ${changes.join("\n")}`);
  } finally {
    for (const { layer, model } of actors) {
      model.close();
      layer.close();
    }
    removeTree(home);
  }
}
