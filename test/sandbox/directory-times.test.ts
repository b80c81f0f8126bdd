import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTwinTrees, openRoot, runInBoth } from "./moved-files-fixture.ts";
import { allEngines } from "./sandbox-fixture.ts";

/** Scripts that give directories times on purpose, and these. */
const scripts: readonly (readonly [script: string, directories: readonly string[]])[] = [
  ["echo new > d/a; touch -d @1000 d", ["d"]],
  ["touch -d @1000 d; echo new > d/a", ["d"]],
  ["echo new > d/new; touch -d @1000 d d/new", ["d"]],
  ["mv d/a e/deep/b; touch -d @1000 d e/deep; touch -d @2000 e", ["d", "e", "e/deep"]],
  // To what they were.
  ['at=$(stat -c %y d); echo new > d/t; mv d/t d/a; touch -d "$at" d', ["d"]],
  ['at=$(stat -c %y d); rm d/a; touch -d "$at" d', ["d"]],
  ['at=$(stat -c %y e/deep); echo new > e/deep/new; touch -d "$at" e/deep', ["e/deep"]],
  // Copies with all that they have.
  ["cp -a e n; echo more >> n/deep/a; touch -d @1000 n/deep", ["n", "n/deep"]],
  ["cp -a e n; rm -r e; cp -a n e; rm -r n", ["e", "e/deep"]],
  ["tar -cf t e; rm -r e; tar -xf t; echo more >> e/deep/a", ["e/deep"]],
];

describe.each(allEngines)("engine %s", (engine) => {
  it("commits the times that commands have given directories", async () => {
    const trees = makeTwinTrees(scripts.length);
    await using overlay = await openRoot(trees, engine);
    for (const [index, [script]] of scripts.entries()) {
      await runInBoth(trees, overlay, script, index);
    }
    await overlay.commit();
    for (const [index, [script, directories]] of scripts.entries()) {
      const timesIn = (tree: string): (string | bigint)[] =>
        directories.flatMap((path) => {
          const { mtimeNs } = fs.statSync(join(tree, `${index}`, path), { bigint: true });
          return [path, mtimeNs / 1000n];
        });
      expect([script, timesIn(trees.root)]).toEqual([script, timesIn(trees.direct)]);
    }
  });
});
