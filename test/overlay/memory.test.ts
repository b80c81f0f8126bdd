import nodeFs from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { chunksOf } from "../../src/overlay/content.ts";
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
    const dead = join(staging, "spill-4194305-1-0");
    nodeFs.mkdirSync(dead);
    nodeFs.writeFileSync(join(dead, "0"), "left");
    const layer = open(plant(), { memoryLimitBytes: MIB, stagingDirectory: staging });
    layer.fs.writeFileSync("big", pattern(3 * MIB, 3));
    expect(nodeFs.existsSync(dead)).toBe(false);
  });
});

function spilledPathOf(layer: Layer): string | undefined {
  const [entry] = [...layer.pending()];
  return entry?.kind === "file" ? entry.content.spilled : undefined;
}

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
