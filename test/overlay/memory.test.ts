import nodeFs from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { processNameOf } from "../../src/disk/process-identity.ts";
import { chunksOf } from "../../src/overlay/content/content.ts";
import { pageBytes } from "../../src/overlay/content/page.ts";
import type { Layer } from "../../src/overlay/layer.ts";
import { open, plant } from "./scratch.ts";

const MIB = 1024 * 1024;

function stagingIn(root: string): string {
  return nodeFs.mkdirSync(join(root, "staging"), { recursive: true }) ?? join(root, "staging");
}

function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let index = 0; index < size; index += 97) bytes[index] = (index * seed) % 251;
  return bytes;
}

function spillsOf(staging: string): string[] {
  return nodeFs.readdirSync(staging, { recursive: true, encoding: "utf8" });
}

describe("content beyond the memory limit", () => {
  test("is spilled and reads back the same, whole and in parts", () => {
    const root = plant();
    const staging = stagingIn(plant());
    const layer = open(root, { memoryLimitBytes: MIB, stagingDirectory: staging });
    const bytes = pattern(5 * MIB, 3);
    layer.fs.writeFileSync("big", bytes);
    expect(spillsOf(staging).length).toBeGreaterThan(0);
    expect(layer.fs.readFileSync("big").equals(bytes)).toBe(true);
    const descriptor = layer.fs.openSync("big", "r+");
    layer.fs.writeSync(descriptor, "patched", 3 * MIB);
    bytes.write("patched", 3 * MIB);
    const piece = Buffer.alloc(100);
    layer.fs.readSync(descriptor, piece, 0, 100, 3 * MIB - 50);
    expect(piece.equals(bytes.subarray(3 * MIB - 50, 3 * MIB + 50))).toBe(true);
    expect(layer.fs.readFileSync("big").equals(bytes)).toBe(true);
  });

  test("of many small files is spilled too", () => {
    const staging = stagingIn(plant());
    const layer = open(plant(), { memoryLimitBytes: 100_000, stagingDirectory: staging });
    const names = Array.from({ length: 300 }, (_, index) => `f${index}`);
    for (const [index, name] of names.entries()) layer.fs.writeFileSync(name, pattern(2000, index));
    for (const [index, name] of names.entries()) {
      expect(layer.fs.readFileSync(name).equals(pattern(2000, index))).toBe(true);
    }
    expect(spillsOf(staging).length).toBeGreaterThan(0);
  });

  test("is offered as a file to rename, where the file holds exactly these bytes", async () => {
    const staging = stagingIn(plant());
    const layer = open(plant(), { memoryLimitBytes: MIB, stagingDirectory: staging });
    const stream = layer.fs.createWriteStream("big");
    const bytes = pattern(4 * MIB + 123, 5);
    for (let at = 0; at < bytes.length; at += 100_000)
      stream.write(bytes.subarray(at, at + 100_000));
    stream.end();
    await finished(stream);
    const path = spilledPathOf(layer);
    expect(path !== undefined && nodeFs.readFileSync(path).equals(bytes)).toBe(true);
    layer.fs.appendFileSync("big", "more");
    const entry = [...layer.pending()][0];
    const chunks: Buffer[] = [];
    if (entry?.kind === "file") {
      for (const chunk of chunksOf(entry.content)) chunks.push(Buffer.from(chunk));
    }
    expect(Buffer.concat(chunks).equals(Buffer.concat([bytes, Buffer.from("more")]))).toBe(true);
  });

  // mem9-ai/drive9#507.
  test("comes back by rollback as it was, though both versions were spilled", () => {
    const staging = stagingIn(plant());
    const layer = open(plant(), { memoryLimitBytes: MIB, stagingDirectory: staging });
    const old = pattern(3 * MIB, 3);
    layer.fs.writeFileSync("big", old);
    const savepoint = layer.savepoint();
    const descriptor = layer.fs.openSync("big", "r+");
    layer.fs.writeSync(descriptor, pattern(3 * MIB, 7), 0, 3 * MIB, 0);
    layer.fs.writeFileSync("other", pattern(3 * MIB, 11));
    layer.rollback(savepoint);
    expect(layer.fs.readFileSync("big").equals(old)).toBe(true);
  });

  test("leaves nothing behind when the overlay closes", () => {
    const staging = stagingIn(plant());
    const layer = open(plant(), { memoryLimitBytes: MIB, stagingDirectory: staging });
    layer.fs.writeFileSync("big", pattern(3 * MIB, 3));
    layer.close();
    expect(spillsOf(staging)).toEqual([]);
  });

  test("of a process that died is removed by the next overlay that spills there", () => {
    const staging = stagingIn(plant());
    const own = processNameOf(new NodeDisk()).split("-");
    const dead = join(staging, `spill-${["4194305", ...own.slice(1)].join("-")}-0`);
    const unseen = join(staging, `spill-${["4194305", "1", "1", ...own.slice(3)].join("-")}-0`);
    for (const place of [dead, unseen]) {
      nodeFs.mkdirSync(place);
      nodeFs.writeFileSync(join(place, "0"), "left");
    }
    const layer = open(plant(), { memoryLimitBytes: MIB, stagingDirectory: staging });
    layer.fs.writeFileSync("big", pattern(3 * MIB, 3));
    expect(nodeFs.existsSync(dead)).toBe(false);
    // Of another container that shares the directory: nobody can tell from here that it has died.
    expect(nodeFs.readdirSync(unseen)).toEqual(["0"]);
  });
});

describe("content that no name leads to", () => {
  /** A layer that has room for what is made, and not for what {@link press} adds. */
  function openAlmostFull() {
    const staging = stagingIn(plant());
    const layer = open(plant(), { memoryLimitBytes: 20 * pageBytes, stagingDirectory: staging });
    layer.fs.writeFileSync("big", pages(16));
    return { layer, staging };
  }

  test("leaves memory too where a file is still open", () => {
    const { layer, staging } = openAlmostFull();
    const descriptor = layer.fs.openSync("big", "r");
    layer.fs.unlinkSync("big");
    press(layer);
    expect(spilledBytesIn(staging)).toBeGreaterThanOrEqual(14 * pageBytes);
    expect(layer.fs.readFileSync(descriptor).equals(pages(16))).toBe(true);
    layer.fs.closeSync(descriptor);
  });

  test("leaves memory too where it is kept for a savepoint", () => {
    const { layer, staging } = openAlmostFull();
    const savepoint = layer.savepoint();
    layer.fs.writeFileSync("big", "");
    press(layer);
    expect(spilledBytesIn(staging)).toBeGreaterThanOrEqual(14 * pageBytes);
    layer.rollback(savepoint);
    expect(layer.fs.readFileSync("big").equals(pages(16))).toBe(true);
  });
});

function spilledBytesIn(staging: string): number {
  const files = spillsOf(staging).map((name) => nodeFs.statSync(join(staging, name)));
  return files.filter((stats) => stats.isFile()).reduce((sum, { size }) => sum + size, 0);
}

function spilledPathOf(layer: Layer, path = "big"): string | undefined {
  const entry = [...layer.pending()].find((pending) => pending.path === path);
  return entry?.kind === "file" ? entry.content.spilled : undefined;
}

/** Pages of content, each full of its number, starting from `first`. */
function pages(count: number, first = 1): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, index) => Buffer.alloc(pageBytes, first + index)),
  );
}

/** A layer that holds four pages, and a file of eight in it that was spilled. */
function openWithSpilled(): { layer: Layer; root: string } {
  const root = plant();
  const staging = stagingIn(plant());
  const layer = open(root, { memoryLimitBytes: 4 * pageBytes, stagingDirectory: staging });
  layer.fs.writeFileSync("big", pages(8));
  press(layer);
  expect(spilledPathOf(layer)).toBeDefined();
  return { layer, root };
}

/** Writes so much that everything else must leave memory. */
function press(layer: Layer): void {
  for (let index = 0; index < 8; index++) layer.fs.writeFileSync(`z${index}`, pages(1, 99));
}

/** Whether a file reads as these bytes, and what it offers to a commit is the same. */
function expectBytes(layer: Layer, path: string, bytes: Buffer): void {
  expect(layer.fs.readFileSync(path).equals(bytes)).toBe(true);
  const spilled = spilledPathOf(layer, path);
  if (spilled !== undefined) expect(nodeFs.readFileSync(spilled).equals(bytes)).toBe(true);
}

describe("a file of spilled content", () => {
  test("does not show again what was cut off, where the file grows by a hole", () => {
    const { layer } = openWithSpilled();
    layer.fs.truncateSync("big", 2 * pageBytes);
    layer.fs.truncateSync("big", 6 * pageBytes);
    press(layer);
    expectBytes(layer, "big", Buffer.concat([pages(2), Buffer.alloc(4 * pageBytes)]));
  });

  test("does not show it either where nothing was offered to a commit before", () => {
    const layer = open(plant(), {
      memoryLimitBytes: 4 * pageBytes,
      stagingDirectory: stagingIn(plant()),
    });
    layer.fs.writeFileSync("big", pages(8));
    press(layer);
    layer.fs.truncateSync("big", 2 * pageBytes);
    layer.fs.truncateSync("big", 6 * pageBytes);
    layer.fs.writeFileSync("cut", pages(8));
    press(layer);
    layer.fs.truncateSync("cut", 2 * pageBytes + 1);
    layer.fs.appendFileSync("cut", pages(5));
    press(layer);
    expectBytes(layer, "big", Buffer.concat([pages(2), Buffer.alloc(4 * pageBytes)]));
    expectBytes(layer, "cut", Buffer.concat([pages(3).subarray(0, 2 * pageBytes + 1), pages(5)]));
  });

  test("keeps for a rollback what was cut off and offered to a commit meanwhile", () => {
    const { layer } = openWithSpilled();
    const savepoint = layer.savepoint();
    layer.fs.truncateSync("big", 2 * pageBytes);
    expectBytes(layer, "big", pages(2));
    layer.rollback(savepoint);
    expectBytes(layer, "big", pages(8));
  });

  test("is offered for one of two copies at most", () => {
    const { layer } = openWithSpilled();
    layer.fs.copyFileSync("big", "copy");
    const [one, two] = [spilledPathOf(layer), spilledPathOf(layer, "copy")];
    expect(one === undefined || one !== two).toBe(true);
    expectBytes(layer, "copy", pages(8));
  });

  test("takes what is appended to one of two copies", () => {
    const { layer } = openWithSpilled();
    layer.fs.copyFileSync("big", "copy");
    layer.fs.appendFileSync("big", pages(3, 100));
    layer.fs.appendFileSync("copy", pages(3, 200));
    press(layer);
    press(layer);
    expectBytes(layer, "big", Buffer.concat([pages(8), pages(3, 100)]));
    expectBytes(layer, "copy", Buffer.concat([pages(8), pages(3, 200)]));
  });

  test("is not written to any more once a commit may have given it a name in the tree", () => {
    const { layer, root } = openWithSpilled();
    const offered = spilledPathOf(layer) ?? "";
    nodeFs.linkSync(offered, join(root, "big"));
    layer.fs.copyFileSync("big", "copy");
    layer.fs.appendFileSync("big", pages(2, 100));
    layer.rebase(["copy"]);
    layer.fs.appendFileSync("big", pages(3, 200));
    layer.fs.writeFileSync("big", pages(1, 50), { flag: "r+" });
    press(layer);
    expect([...layer.pending()].length).toBeGreaterThan(0);
    expect(nodeFs.readFileSync(join(root, "big")).equals(pages(8))).toBe(true);
  });

  test("is taken over by the commit of one of two copies, and stays what the other one reads", () => {
    const { layer, root } = openWithSpilled();
    const offered = spilledPathOf(layer) ?? "";
    layer.fs.copyFileSync("big", "copy");
    nodeFs.linkSync(offered, join(root, "big"));
    layer.rebase(["big"]);
    layer.fs.appendFileSync("copy", pages(3, 100));
    press(layer);
    press(layer);
    expect([...layer.pending()].length).toBeGreaterThan(0);
    expect(nodeFs.readFileSync(join(root, "big")).equals(pages(8))).toBe(true);
    expectBytes(layer, "copy", Buffer.concat([pages(8), pages(3, 100)]));
  });

  test("is gone once everything is discarded, or once the overlay closes where a file was open", () => {
    const staging = stagingIn(plant());
    const limit = { memoryLimitBytes: 4 * pageBytes, stagingDirectory: staging };
    const layer = open(plant(), limit);
    layer.fs.writeFileSync("big", pages(8));
    expect(spilledBytesIn(staging)).toBeGreaterThan(0);
    layer.reset();
    expect(spillsOf(staging)).toEqual([]);
    layer.fs.writeFileSync("big", pages(8));
    const descriptor = layer.fs.openSync("big", "r");
    layer.reset();
    expect(layer.fs.existsSync("big")).toBe(false);
    expect(layer.fs.readFileSync(descriptor).equals(pages(8))).toBe(true);
    layer.fs.closeSync(descriptor);
    layer.close();
    expect(spillsOf(staging)).toEqual([]);
  });

  test("that another program cut is an error, never zeros", () => {
    const { layer } = openWithSpilled();
    nodeFs.truncateSync(spilledPathOf(layer) ?? "", pageBytes);
    expect(() => layer.fs.readFileSync("big")).toThrow(expect.objectContaining({ code: "EIO" }));
  });

  test("can be read no more, instead of something else, when the overlay was closed", () => {
    const { layer } = openWithSpilled();
    const entry = [...layer.pending()].find(({ path }) => path === "big");
    layer.close();
    // The kernel hands out again the numbers that were closed.
    const other = join(plant({ other: "something else" }), "other");
    const descriptors = Array.from({ length: 64 }, () => nodeFs.openSync(other, "r"));
    onTestFinished(() => {
      for (const descriptor of descriptors) nodeFs.closeSync(descriptor);
    });
    const read = () => entry?.kind === "file" && entry.content.read(Buffer.alloc(9), 0);
    expect(read).toThrow(expect.objectContaining({ code: "EBADF" }));
  });

  test("holds small contents that are written over and over in the same places", () => {
    const staging = stagingIn(plant());
    const layer = open(plant(), { memoryLimitBytes: 10_000, stagingDirectory: staging });
    for (let round = 0; round < 200; round++) {
      for (const name of ["a", "b", "c"]) {
        const descriptor = layer.fs.openSync(name, "a");
        layer.fs.ftruncateSync(descriptor, 0);
        layer.fs.writeSync(descriptor, pattern(4000, round), 0);
        layer.fs.closeSync(descriptor);
        layer.fs.appendFileSync(name, "and on");
      }
    }
    const bytes = spilledBytesIn(staging);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(1_000_000);
  });
});

describe("a lower file that was changed in part", () => {
  test("is never mixed with what another program makes of it", () => {
    const root = plant({ big: "x".repeat(200_000) });
    const layer = open(root);
    const descriptor = layer.fs.openSync("big", "r+");
    layer.fs.writeSync(descriptor, "patch", 0);
    nodeFs.writeFileSync(join(root, "big"), "y".repeat(200_000));
    nodeFs.utimesSync(join(root, "big"), 5, 5);
    expect(() => layer.fs.readFileSync("big")).toThrow(expect.objectContaining({ code: "ESTALE" }));
  });
});
