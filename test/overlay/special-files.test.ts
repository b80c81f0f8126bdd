import { execFileSync } from "node:child_process";
import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLayer } from "../../src/overlay/layer.ts";

let root: string;

beforeEach(() => {
  root = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-special-")));
  nodeFs.mkdirSync(join(root, "d"));
  execFileSync("mkfifo", [join(root, "d/fifo")]);
});
afterEach(() => nodeFs.rmSync(root, { recursive: true, force: true }));

test("a fifo is refused and never waited for, in every form of reading", async () => {
  const layer = openLayer({ root });
  const { fs } = layer;
  const refused = /EACCES: permission denied, not a regular file/;
  for (const path of [join(root, "d/fifo"), "d/fifo"]) {
    expect(() => fs.readFileSync(path)).toThrow(refused);
    expect(() => fs.readFileSync(path, "utf8")).toThrow(refused);
    expect(() => fs.openSync(path, "r")).toThrow(refused);
    await expect(fs.promises.readFile(path)).rejects.toThrow(refused);
    const failed = new Promise<unknown>((resolve) => fs.readFile(path, resolve));
    expect(String(await failed)).toMatch(refused);
    const stream = fs.createReadStream(path);
    const broken = new Promise<unknown>((resolve) => stream.on("error", resolve));
    expect(String(await broken)).toMatch(refused);
  }
  expect(fs.statSync("d/fifo").isFIFO()).toBe(true);
  layer.close();
});
