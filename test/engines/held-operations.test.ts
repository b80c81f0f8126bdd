import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { replaceText } from "../../src/engines/coalesce/edit.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { judge, judgeOnOverlay } from "../../src/engines/optimizer/hindsight.ts";
import { runOptimized } from "../../src/engines/optimizer/run-optimized.ts";
import type { FlushResult } from "../../src/engines/optimizer/write-pipeline.ts";
import { optimizerSettingsOf } from "../../src/engines/optimizer-settings.ts";
import type { Measurement } from "../../src/metrics/measurement.ts";
import { Meter } from "../../src/metrics/meter.ts";
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

  it("says of content that is there already what it was, and what it took", () => {
    const overlay = layerOverlay();
    const long = "l".repeat(1024);
    plant(overlay.root, { long, other: "o" });
    const seen: Measurement[] = [];
    const result = runOptimized(overlay, [write("long", long), write("other", long)], {
      meter: new Meter((measurement) => seen.push(measurement)),
    });
    expect(result.decisions).toMatchObject([
      { features: { isIdentical: true }, decision: { analysis: "DEDUPLICATE" } },
      { features: { isIdentical: false }, decision: { strategy: "standard" } },
    ]);
    expect(seen).toMatchObject([
      { path: "long", optimization: "coalesce", io: { reads: 1, writes: 0 }, outcome: "done" },
      { path: "other", optimization: "none", io: { reads: 0, writes: 1 }, outcome: "done" },
    ]);
    expect([...overlay.pending()].map(({ path }) => path)).toEqual(["other"]);
    // An agent without coalescing writes it again.
    const { profile } = optimizerSettingsOf();
    const settings = { profile: { ...profile, coalescing: false } };
    const again = runOptimized(overlay, [write("long", long)], { settings });
    expect(strategies(again)).toEqual(["standard"]);
    expect(again.io).toMatchObject({ reads: 0, writes: 1 });
  });

  it("writes what cannot be compared, and says so", () => {
    const broken = Object.assign(layerOverlay(), {
      writeUnlessSame() {
        throw new Error("it cannot be read");
      },
    });
    const bytes = "b".repeat(1024);
    const result = runOptimized(broken, [write("new/a", bytes)]);
    expect(result.fallbacks).toMatchObject([
      { engine: "coalesce", operations: 1, error: { message: "it cannot be read" } },
    ]);
    expect(viewOf(broken)).toMatchObject({ "new/a": hex(bytes) });
    // What cannot be written either is no fallback.
    expect(() => runOptimized(broken, [write("new", bytes)])).toThrow(/EISDIR/);
  });

  it("knows a file by each of its names", () => {
    const overlay = layerOverlay();
    const same = [
      write("d/a", "1"),
      write(join(overlay.root, "d/a"), "2"),
      write("./d/../d/a", "3"),
    ];
    expect(strategies(runOptimized(overlay, same))).toEqual(["coalesce", "coalesce", "coalesce"]);
    expect(viewOf(overlay)["d/a"]).toBe(hex("3"));
    const apart = ["x.ts", ".x.ts", "d/x.ts", "d/y.ts", "d/.ts", "d.ts/x", "x.ts.d/x"];
    const { decisions } = runOptimized(
      overlay,
      apart.map((path) => write(path, path)),
    );
    expect(decisions.map(({ features }) => features.similar)).toEqual([2, 2, 2, 2, 1, 1, 1]);
    expect(viewOf(overlay)).toMatchObject(Object.fromEntries(apart.map((one) => [one, hex(one)])));
    const { root } = overlay;
    const above = [write("p/q/r", "1"), write(`${root}/p`, "2")];
    expect(() => runOptimized(overlay, above)).toThrow(/EISDIR/);
    expect(() => runOptimized(overlay, above.toReversed())).toThrow(/ENOTDIR/);
    expect(viewOf(overlay)).not.toHaveProperty("p");
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
