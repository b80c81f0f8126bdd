import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { MeasurementTail } from "../../src/metrics/measurement-tail.ts";
import { temporaryDirectory } from "../engines/support/plain-overlay.ts";

const line = (id: string, more: object = {}) =>
  `${JSON.stringify({
    ...{ id, startedAtMs: 1, operation: "commit", optimization: "none", outcome: "done" },
    ...more,
  })}\n`;

/** Counts what is more than a look. */
class CountingDisk extends NodeDisk {
  opened = 0;

  override open(path: string, flags: number, mode?: number): number {
    this.opened += 1;
    return super.open(path, flags, mode);
  }
}

function following(root = temporaryDirectory(), name = "m") {
  const path = join(root, name);
  const disk = new CountingDisk();
  const tail = new MeasurementTail(disk, root, path);
  const news = () => {
    const found = tail.read();
    return found && { isAnew: found.isAnew, ids: found.measurements.map(({ id }) => id) };
  };
  return { root, path, disk, tail, news };
}

describe("a tail of measurements", () => {
  it("has each once, and opens nothing where nothing has changed", () => {
    const { path, disk, news } = following();
    expect(news()).toBeUndefined();
    fs.writeFileSync(path, line("a") + line("b"));
    expect(news()).toEqual({ isAnew: true, ids: ["a", "b"] });
    const { opened } = disk;
    for (let n = 0; n < 3; n++) expect(news()).toBeUndefined();
    expect(disk.opened).toBe(opened);
    fs.appendFileSync(path, `${line("c")}{"id":"alert","startedAtMs":1}\n`);
    expect(news()).toEqual({ isAnew: false, ids: ["c"] });
  });

  it("waits for the rest of a line", () => {
    const { path, news } = following();
    const text = line("b");
    fs.writeFileSync(path, line("a") + text.slice(0, 9));
    expect(news()?.ids).toEqual(["a"]);
    fs.appendFileSync(path, text.slice(9));
    expect(news()).toEqual({ isAnew: false, ids: ["b"] });
  });

  it("begins anew where the file was replaced, shortened, written over or removed", () => {
    const { path, news } = following();
    fs.writeFileSync(path, line("a") + line("b"));
    news();
    fs.writeFileSync(`${path}.new`, line("b") + line("c"));
    fs.renameSync(`${path}.new`, path);
    expect(news()).toEqual({ isAnew: true, ids: ["b", "c"] });
    fs.writeFileSync(path, line("c"));
    expect(news()).toEqual({ isAnew: true, ids: ["c"] });
    fs.writeFileSync(path, line("d") + line("e"));
    expect(news()).toEqual({ isAnew: true, ids: ["d", "e"] });
    fs.rmSync(path);
    expect(news()).toEqual({ isAnew: true, ids: [] });
    expect(news()).toBeUndefined();
  });

  it("has the end of what is too large to be read at once", () => {
    const { path, news } = following();
    const count = 60_000;
    const text = Array.from({ length: count }, (_, index) => line(`m${index}`)).join("");
    expect(text.length).toBeGreaterThan(4 * 1024 * 1024);
    fs.writeFileSync(path, text);
    const ids = news()?.ids ?? [];
    expect(ids.at(-1)).toBe(`m${count - 1}`);
    expect(ids.length).toBeGreaterThan(10_000);
    expect(ids.length).toBeLessThan(count);
  });

  it("reads nothing through a link and nothing else, says so, and not twice", () => {
    const outside = temporaryDirectory();
    fs.writeFileSync(join(outside, "m"), line("a"));
    const behind = following(undefined, "link/m");
    fs.symlinkSync(outside, join(behind.root, "link"));
    expect(behind.news()).toEqual({ isAnew: true, ids: [] });
    expect(behind.tail.problem).toMatch(/a link leads there/);
    const { path, disk, tail, news } = following();
    fs.writeFileSync(path, "somebody's notes\n");
    expect(news()).toEqual({ isAnew: true, ids: [] });
    expect(tail.problem).toBe("it holds something else");
    const { opened } = disk;
    expect(news()).toBeUndefined();
    expect(disk.opened).toBe(opened);
    fs.writeFileSync(path, line("a"));
    expect(news()).toEqual({ isAnew: true, ids: ["a"] });
    expect(tail.problem).toBeUndefined();
  });
});
