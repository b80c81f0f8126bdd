import { constants } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLayer } from "../../../src/overlay/layer.ts";
import { fsBackend } from "../../../src/sandbox/fuse/fs-backend.ts";
import type { FactsJson } from "../../../src/sandbox/fuse/served-facts.ts";
import { UpperView } from "../../../src/sandbox/fuse/upper-view.ts";
import { treeOf } from "../sandbox-fixture.ts";

describe("the upper of a served tree", () => {
  it("gives a file another number with every single write, so that no cache shows old bytes", () => {
    const root = treeOf({});
    const layer = openLayer({ root });
    const upper = new UpperView(layer, fsBackend(layer.fs, root));
    const flags = constants.O_RDWR | constants.O_CREAT;
    const descriptor = layer.fs.openSync(join(root, "a"), flags);
    const numbers = new Set<bigint>();
    for (let round = 0; round < 8; round++) {
      layer.fs.writeSync(descriptor, Buffer.from("b"), 0, 1, 0);
      numbers.add(upper.stat("a").ino);
    }
    layer.fs.closeSync(descriptor);
    layer.close();
    expect(numbers.size).toBe(8);
    expect(numbers).not.toContain(0n);
  });

  it("is told of what was touched alone, however much it holds", () => {
    const root = treeOf({});
    const layer = openLayer({ root });
    const upper = new UpperView(layer, fsBackend(layer.fs, root));
    layer.fs.mkdirSync(join(root, "m"));
    for (let index = 0; index < 1000; index++) layer.fs.writeFileSync(join(root, `m/${index}`), "");
    const all = JSON.parse(upper.facts(-1).toString()) as FactsJson;
    expect(new Map(all.names).get("m")).toHaveLength(1000);
    layer.fs.appendFileSync(join(root, "m/7"), "x");
    const facts = JSON.parse(upper.facts(all.generation).toString()) as FactsJson;
    const { generation } = layer;
    layer.close();
    const nothing = { names: [], redirects: [], origins: [], foreign: [] };
    expect(facts).toEqual({ ...nothing, generation, newer: ["m/7"] });
  });
});
