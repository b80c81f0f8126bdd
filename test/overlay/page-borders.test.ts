import nodeFs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { pageBytes } from "../../src/overlay/content/page.ts";
import type { Layer } from "../../src/overlay/layer.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { open, plant } from "./scratch.ts";

// What is written, cut and grown around the borders of pages reads as it does on a disk.

/** From four pages on, what is spilled of a file may lie in a file of its own. */
const sizeMax = 8 * pageBytes;

type Change =
  | { readonly kind: "write"; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: "append"; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly size: number };

/** A place at, right before or right behind a border, or anywhere. */
function placeBy(random: SeededRandom): number {
  if (random.chance(0.2)) return random.between(0, sizeMax);
  return Math.max(0, random.between(0, 7) * pageBytes + random.between(-2, 2));
}

const lengths = [1, 2, 3, 100, pageBytes - 1, pageBytes, pageBytes + 1, 5 * pageBytes];

function changeBy(random: SeededRandom, serial: number): Change {
  if (random.chance(0.4)) return { kind: "truncate", size: placeBy(random) };
  if (random.chance(0.3)) {
    return { kind: "append", bytes: Buffer.alloc(random.between(1, 3000), 1 + serial) };
  }
  const bytes = Buffer.alloc(random.pick(lengths), 1 + serial);
  return { kind: "write", position: placeBy(random), bytes };
}

function make(fs: typeof nodeFs, path: string, change: Change): void {
  if (change.kind === "truncate") {
    fs.truncateSync(path, change.size);
    return;
  }
  if (change.kind === "append") {
    fs.appendFileSync(path, change.bytes);
    return;
  }
  const descriptor = fs.openSync(path, "r+");
  fs.writeSync(descriptor, change.bytes, 0, change.bytes.length, change.position);
  fs.closeSync(descriptor);
}

function expectSame(layer: Layer, path: string, real: string): void {
  const bytes = nodeFs.readFileSync(real);
  expect(layer.fs.statSync(path).size).toBe(bytes.length);
  expect(layer.fs.readFileSync(path).equals(bytes)).toBe(true);
  const descriptor = layer.fs.openSync(path, "r");
  for (let border = pageBytes; border < bytes.length; border += pageBytes) {
    const piece = Buffer.alloc(5, 255);
    const count = layer.fs.readSync(descriptor, piece, 0, 5, border - 2);
    expect(piece.subarray(0, count).equals(bytes.subarray(border - 2, border + 3))).toBe(true);
  }
  layer.fs.closeSync(descriptor);
  const pending = [...layer.pending()].find((entry) => entry.path === path);
  if (pending?.kind !== "file") return;
  const { spilled } = pending.content;
  if (spilled !== undefined) expect(nodeFs.readFileSync(spilled).equals(bytes)).toBe(true);
  for (const { start, end } of pending.content.dataRanges?.() ?? []) {
    expect([start < end, end <= bytes.length]).toEqual([true, true]);
  }
}

const limits = { "in memory": undefined, spilled: 2 * pageBytes };

describe.each(Object.entries(limits))("a file %s", (_, memoryLimitBytes) => {
  for (let seed = 1; seed <= 12; seed++) {
    const isNew = seed % 2 === 0;
    test(`reads as on a disk, ${isNew ? "new" : "of the lower"}, by seed ${seed}`, () => {
      const random = new SeededRandom(seed);
      const root = plant({ old: "o".repeat(6 * pageBytes + 1) });
      const aside = plant({ real: isNew ? "" : "o".repeat(6 * pageBytes + 1), kept: "" });
      const [real, kept] = [join(aside, "real"), join(aside, "kept")];
      const layer = open(root, {
        stagingDirectory: plant(),
        ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
      });
      const path = isNew ? "new" : "old";
      if (isNew) layer.fs.writeFileSync(path, "");
      let savepoint: ReturnType<Layer["savepoint"]> | undefined;
      for (let serial = 0; serial < 60; serial++) {
        const change = changeBy(random, serial);
        make(nodeFs, real, change);
        make(layer.fs, path, change);
        if (random.chance(0.5)) expectSame(layer, path, real);
        if (savepoint === undefined && random.chance(0.3)) {
          savepoint = layer.savepoint();
          nodeFs.copyFileSync(real, kept);
        } else if (savepoint !== undefined && random.chance(0.3)) {
          layer.rollback(savepoint);
          savepoint = undefined;
          nodeFs.copyFileSync(kept, real);
          expectSame(layer, path, real);
          layer.fs.rmSync("copy", { force: true });
        }
        if (random.chance(0.1)) {
          layer.fs.copyFileSync(path, "copy");
          nodeFs.copyFileSync(real, join(aside, "copy"));
        }
        if (layer.fs.existsSync("copy")) expectSame(layer, "copy", join(aside, "copy"));
      }
      expectSame(layer, path, real);
    });
  }
});
