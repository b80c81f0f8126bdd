import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { allEngines, openOver, treeOf } from "./sandbox-fixture.ts";

describe.each(allEngines)("a session of engine %s", (engine) => {
  it("shows pending changes to a command and takes its changes into the layer", async () => {
    const root = treeOf({ "a.txt": "lower\n", "d/b.txt": "b\n" });
    const { layer, sh } = await openOver(root, { engine });
    layer.fs.writeFileSync(join(root, "api.txt"), "api\n");
    layer.fs.unlinkSync(join(root, "d/b.txt"));
    expect(await sh("cat api.txt a.txt; ls d; echo new > d/c.txt; echo more >> a.txt")).toBe(
      "api\nlower\n",
    );
    expect(layer.fs.readFileSync(join(root, "a.txt"), "utf8")).toBe("lower\nmore\n");
    expect(layer.fs.readFileSync(join(root, "d/c.txt"), "utf8")).toBe("new\n");
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("lower\n");
    expect(existsSync(join(root, "d/c.txt"))).toBe(false);
    expect(existsSync(join(root, "d/b.txt"))).toBe(true);
  });
});
