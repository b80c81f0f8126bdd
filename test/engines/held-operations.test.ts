import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { replaceText } from "../../src/engines/coalesce/edit.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { judge, judgeOnOverlay } from "../../src/engines/optimizer/hindsight.ts";
import { runOptimized } from "../../src/engines/optimizer/run-optimized.ts";
import type { FlushResult } from "../../src/engines/optimizer/write-pipeline.ts";
import { layerOverlay, viewOf } from "./support/layer-overlay.ts";
import { plant } from "./support/plain-overlay.ts";

const write = (path: string, content: string): Operation => {
  return { kind: "write", path, bytes: Buffer.from(content) };
};
const edit = (path: string, ...texts: [string, string][]): Operation => {
  return { kind: "edit", path, edits: texts.map(([from, to]) => replaceText(from, to)) };
};

describe("the pipeline over an overlay", () => {
  const strategies = ({ decisions }: FlushResult) =>
    decisions.map(({ decision }) => decision.strategy);
  const hex = (text: string) => `644 ${Buffer.from(text).toString("hex")}`;

  it("leaves to the commit what is written once, and puts together the rest", () => {
    const overlay = layerOverlay();
    plant(overlay.root, { "e.txt": "a b", "x/1.ts": "old" });
    const written = ["x/1.ts", "x/2.ts", "new/3.ts"].map((path) => write(path, path));
    const twice = edit("e.txt", ["a", "A"], ["b", "B"]);
    const result = runOptimized(overlay, [...written, twice], { insideBatch: true });
    expect(strategies(result)).toEqual(["commit", "commit", "commit", "coalesce"]);
    expect(result.batch).toMatchObject({ operations: 1, order: [join(overlay.root, "e.txt")] });
    expect(result.io).toMatchObject({ reads: 1, writes: 4 });
    expect(result.decisions.map(({ callsSaved }) => callsSaved)).toEqual([0, 0, 0, 2]);
    expect(viewOf(overlay)).toMatchObject({
      "e.txt": hex("A B"),
      "x/1.ts": hex("x/1.ts"),
      "new/3.ts": hex("new/3.ts"),
    });
    // A file that is written twice is looked for among those that are written once.
    const again = runOptimized(overlay, [...written, write("x/1.ts", "last")]);
    expect(strategies(again)).toEqual(["coalesce", "commit", "commit", "coalesce"]);
    expect(viewOf(overlay)["x/1.ts"]).toBe(hex("last"));
  });

  it("still tells what waits together, and what is in the way of what", () => {
    const overlay = layerOverlay();
    plant(overlay.root, { d: "a file" });
    const operations: Operation[] = [{ kind: "delete", path: "d" }, write("d/e.txt", "e")];
    const result = runOptimized(overlay, operations);
    expect(result.decisions.map(({ decision }) => decision.analysis)).toEqual([
      "COORDINATE",
      "COORDINATE",
    ]);
    expect(viewOf(overlay)).toEqual({ d: "/", "d/e.txt": hex("e") });
  });

  it("keeps the order of what leads to one file by several names", () => {
    const overlay = layerOverlay();
    plant(overlay.root, { big: "one" });
    fs.symlinkSync("big", join(overlay.root, "soft"));
    fs.linkSync(join(overlay.root, "big"), join(overlay.root, "hard"));
    const once = [write("soft", "1"), write("hard", "2"), write("big", "3")];
    expect(runOptimized(overlay, once).fallbacks).toEqual([]);
    expect(viewOf(overlay)).toMatchObject({ big: hex("3"), hard: hex("3") });
    const more = [write("a", "x"), write("a", "y"), write("soft", "4"), edit("hard", ["4", "5"])];
    expect(runOptimized(overlay, more).fallbacks).toEqual([]);
    expect(viewOf(overlay)).toMatchObject({ a: hex("y"), big: hex("5"), hard: hex("5") });
  });

  it("looks for the same content from min_content_size_for_optimization on", () => {
    const overlay = layerOverlay();
    const [short, long] = ["s".repeat(1023), "l".repeat(1024)];
    plant(overlay.root, { short, long, other: "o".repeat(2000) });
    fs.symlinkSync("long", join(overlay.root, "soft"));
    const operations = [
      ...[write("short", short), write("long", long)],
      ...[write("other", "O".repeat(2000)), write("new/file", long)],
    ];
    const result = runOptimized(overlay, operations, { insideBatch: true });
    expect(strategies(result)).toEqual(["commit", "coalesce", "commit", "commit"]);
    expect(result.io).toMatchObject({ reads: 1, writes: 3 });
    expect(viewOf(overlay)["other"]).toBe(hex("O".repeat(2000)));
    expect(strategies(runOptimized(overlay, [write("soft", long)]))).toEqual(["coalesce"]);
  });

  it("does none of a flush that fails", () => {
    const overlay = layerOverlay();
    const bad = edit("none", ["a", "b"]);
    expect(() => runOptimized(overlay, [write("1", "1"), write("2", "2"), bad])).toThrow(/no such/);
    const gone: Operation = { kind: "delete", path: "none" };
    expect(() => runOptimized(overlay, [write("1", "1"), gone])).toThrow(/ENOENT/);
    expect(viewOf(overlay)).toEqual({});
  });

  it("is not said to have missed what the commit gains in any case", () => {
    const overlay = layerOverlay();
    const { decisions } = runOptimized(overlay, [
      write("1", "1"),
      write("2", "2"),
      write("3", "3"),
    ]);
    const cost = { calls: 3, ms: 1 };
    const slower = { calls: 3, ms: 2 };
    expect(judge(decisions)).toEqual(["right", "right", "right"]);
    expect(judgeOnOverlay(decisions, cost, slower)).toEqual(["right", "right", "right"]);
    // One write of each in two flushes could have been one.
    const [first = expect.fail()] = decisions;
    expect(judge([...decisions, first])).toEqual(["missed", "right", "right", "missed"]);
    expect(judgeOnOverlay([first, first], cost, slower)).toEqual(["missed", "missed"]);
  });
});
