import { describe, expect, it } from "vitest";
import { contentOf, makeTwinTrees, openRoot, runInBoth } from "./moved-files-fixture.ts";
import { allEngines } from "./sandbox-fixture.ts";

/** Other bytes are none of these: what alone has changed is given to the file of the disk. */
const scripts = [
  "ln a z",
  "ln a z; touch a",
  "touch a; ln a z",
  "ln a z; chmod 600 z",
  "chmod 600 c; ln c d/z; ln c y; touch -d @1000 y",
  "ln a z; chmod 600 a; rm a",
];

describe.each(allEngines)("a file to which engine %s gives further names", (engine) => {
  it.each(scripts)("is one file when it is committed: %s", async (script) => {
    const trees = makeTwinTrees(1);
    await using overlay = await openRoot(trees, engine);
    await runInBoth(trees, overlay, script);
    await overlay.commit();
    expect(contentOf(trees.root)).toEqual(contentOf(trees.direct));
  });
});
