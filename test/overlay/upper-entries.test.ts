import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Layer } from "../../src/overlay/layer.ts";
import { open, plant } from "./scratch.ts";

let layer: Layer;
const at = (path: string): string => join(layer.root, path);

beforeEach(() => {
  layer = open(plant({ "low/deep/a": "a", "low/b": "b", "other/c": "c" }));
  layer.fs.mkdirSync(at("new/sub"), { recursive: true });
  for (let index = 0; index < 20; index++) layer.fs.writeFileSync(at(`new/sub/${index}`), "");
  layer.fs.writeFileSync(at("low/b"), "changed");
});

describe("what has changed in the upper since a generation", () => {
  function told(change: () => void): string[] {
    const { generation } = layer;
    change();
    return [...layer.pendingSince(generation)].map(({ path }) => path).sort();
  }

  it.each<[string, () => void, string[]]>([
    ["nothing", () => layer.fs.readFileSync(at("low/deep/a")), []],
    ["a file is written", () => layer.fs.appendFileSync(at("new/sub/7"), "x"), ["new/sub/7"]],
    ["attributes change", () => layer.fs.chmodSync(at("low/b"), 0o600), ["low/b"]],
    ["a name comes", () => layer.fs.writeFileSync(at("new/z"), ""), ["new", "new/z"]],
    ["a name goes without a trace", () => layer.fs.unlinkSync(at("new/sub/3")), ["new/sub"]],
    ["a name of the lower goes", () => layer.fs.unlinkSync(at("low/b")), ["low", "low/b"]],
    [
      "directories of the lower are passed on the way to what is written",
      () => layer.fs.appendFileSync(at("low/deep/a"), "x"),
      ["low/deep", "low/deep/a"],
    ],
    [
      "a directory moves, with all that lies in it",
      () => layer.fs.renameSync(at("low"), at("other/low")),
      ["", "low", "other", "other/low", "other/low/b"],
    ],
    [
      "a file is written by one of its names",
      () => {
        layer.fs.linkSync(at("new/sub/1"), at("new/link"));
        layer.fs.appendFileSync(at("new/link"), "x");
      },
      ["new", "new/link", "new/sub/1"],
    ],
  ])("is told when %s", (_, change, paths) => {
    expect(told(change)).toEqual(paths);
  });

  it("is everything since before the first", () => {
    const all = [...layer.pendingSince(-1)].map(({ path }) => path).sort();
    expect(all).toEqual(["", ...[...layer.pending()].map(({ path }) => path)].sort());
  });

  it("comes with the names in a directory, and where it was moved from", () => {
    const { generation } = layer;
    layer.fs.renameSync(at("low"), at("moved"));
    const moved = [...layer.pendingSince(generation)].find(({ path }) => path === "moved");
    expect(moved).toMatchObject({ kind: "directory", redirect: "low", origin: "low" });
    expect([...(moved?.names ?? [])]).toEqual(["b"]);
  });
});

describe("what the upper holds at a path", () => {
  it("is told as it is among everything", () => {
    layer.fs.unlinkSync(at("other/c"));
    const { names: _, ...rest } = { ...layer.pendingAt("low/b") };
    expect(rest).toMatchObject({ path: "low/b", kind: "file", origin: "low/b", nlink: 1 });
    expect(layer.pendingAt("other/c")?.kind).toBe("whiteout");
    for (const none of ["", "low/deep", "low/deep/a", "new/sub/3/x", "missing/x"]) {
      expect([none, layer.pendingAt(none)]).toEqual([none, undefined]);
    }
  });
});
