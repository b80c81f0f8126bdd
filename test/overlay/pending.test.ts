import { describe, expect, test } from "vitest";
import { readContent } from "../../src/overlay/content/content.ts";
import { open, plant, summary } from "./scratch.ts";

describe("pending entries", () => {
  test("come in tree order, parents directly before their children", () => {
    const layer = open(plant({ "a/x": "x", "a-b": "y" }));
    layer.fs.writeFileSync("a/new", "1");
    layer.fs.writeFileSync("a-b", "2");
    layer.fs.mkdirSync("z/deep", { recursive: true });
    expect(summary(layer)).toEqual([
      "directory a base=a",
      "file a/new size=1",
      "file a-b size=1 base=a-b",
      "directory z",
      "directory z/deep",
    ]);
  });

  test("say that a renamed lower directory shows from elsewhere, without naming its content", () => {
    const layer = open(plant({ "d/x": "x", "d/y": "y" }));
    layer.fs.renameSync("d", "e");
    layer.fs.unlinkSync("e/y");
    expect(summary(layer)).toEqual([
      "whiteout d base=d",
      "directory e redirect=d",
      "whiteout e/y base=d/y",
    ]);
  });

  test("say that a directory made again hides the one that was there", () => {
    const layer = open(plant({ "d/x": "x" }));
    layer.fs.rmSync("d", { recursive: true });
    layer.fs.mkdirSync("d");
    layer.fs.writeFileSync("d/x", "new");
    expect(summary(layer)).toEqual(["directory d opaque base=d", "file d/x size=3 base=d/x"]);
  });

  test("are gone when a rename is taken back by another", () => {
    const layer = open(plant({ "d/x": "x" }));
    layer.fs.renameSync("d", "e");
    layer.fs.renameSync("e", "d");
    expect(summary(layer)).toEqual(["directory d base=d"]);
  });

  test("keep the content of the moment in which they were produced", () => {
    const layer = open(plant({ f: "old" }));
    layer.fs.writeFileSync("f", "one");
    const [entry] = [...layer.pending()];
    layer.fs.writeFileSync("f", "two");
    layer.fs.appendFileSync("f", "three");
    expect(entry?.kind === "file" && readContent(entry.content).toString()).toBe("one");
  });

  test("name an untouched lower file as the content of one that was only renamed", () => {
    const layer = open(plant({ f: "old" }));
    layer.fs.renameSync("f", "g");
    const moved = [...layer.pending()].find((entry) => entry.path === "g");
    expect(moved?.kind === "file" && moved.content.lower?.path).toBe("f");
  });

  test("tell times that were set from times that moved by writing", () => {
    const layer = open(plant({ f: "x", g: "y" }));
    layer.fs.utimesSync("f", 1, 2);
    layer.fs.utimesSync("g", 1, 2);
    layer.fs.appendFileSync("g", "!");
    const set = [...layer.pending()].map((entry) => "timesSet" in entry && entry.timesSet);
    expect(set).toEqual([true, false]);
  });
});
