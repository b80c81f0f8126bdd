import { join } from "node:path";
import { expect, test } from "vitest";
import { openLower } from "../../src/disk/lower/lower-open.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { Core } from "../../src/overlay/core.ts";
import { createFacade } from "../../src/overlay/facade/facade.ts";
import { lastingCore } from "../../src/overlay/lasting-core.ts";
import { lastingFile } from "../../src/overlay/lasting-file.ts";
import { haveSameMap } from "../support/hidden-class.ts";
import { plant } from "./scratch.ts";

/** What lasts would be of no use if the objects of an overlay were of other hidden classes. */
test("an overlay and its files have the hidden classes of the objects that last", () => {
  const root = plant({ changed: "x" });
  const memory = { limitBytes: 2 ** 20, disk: new NodeDisk(), staging: () => root };
  const core = new Core(openLower(), root, { memory, policy: undefined, observes: false });
  const { fs, close } = createFacade(core);
  try {
    fs.appendFileSync(join(root, "changed"), "y");
    fs.writeFileSync(join(root, "created"), "x");
    fs.chmodSync(join(root, "created"), 0o600);
    for (const name of ["changed", "created"]) {
      const node = core.tree.nodeUnder(core.tree.root, name);
      if (node?.kind !== "file") throw new Error(`${name} is a file of the upper`);
      expect(haveSameMap(node, lastingFile()), name).toBe(true);
      expect(haveSameMap(node.content, lastingFile().content), name).toBe(true);
    }
    lastingCore();
    const lasting = lastingCore();
    if (lasting === undefined) throw new Error("there is one from the second overlay on");
    const parts = (of: Core) => ({ core: of, ...of, root: of.tree.root, undo: of.tree.undo });
    const other = parts(lasting) as Readonly<Record<string, unknown>>;
    for (const [name, part] of Object.entries(parts(core))) {
      const one = other[name];
      if (typeof part !== "object" || typeof one !== "object" || one === null) continue;
      expect(haveSameMap(part, one), name).toBe(true);
    }
  } finally {
    close();
    core.paths.close();
  }
});
