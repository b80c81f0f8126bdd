import nodeFs from "node:fs";
import { join } from "node:path";
import { MIB } from "../../src/limits.ts";
import { openLayer } from "../../src/overlay/layer.ts";

/** What a row about memory found; bytes, and a ratio of times where the row has one. */
export interface MemoryFinding {
  readonly what: string;
  readonly reach: string;
  readonly value: string;
}

type MemoryRow = (root: string, scale: number) => Promise<readonly MemoryFinding[]>;

const mebibytes = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;

function collectedHeap(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Rows that need a process of their own, run with `--expose-gc`. */
export const memoryRows: Readonly<Record<string, MemoryRow>> = {
  /** A changed byte and an append must not bring a large file into memory. */
  "large-lower": async (root, scale) => {
    const size = Math.round(1024 * scale) * MIB;
    const path = join(root, "big");
    writeLarge(nodeFs, path, size);
    const layer = openLayer({ root });
    layer.fs.statSync(path);
    globalThis.gc?.();
    const before = process.memoryUsage.rss();
    const descriptor = layer.fs.openSync(path, "r+");
    layer.fs.writeSync(descriptor, "!", size >> 1);
    layer.fs.closeSync(descriptor);
    layer.fs.appendFileSync(path, Buffer.alloc(1024));
    const growth = process.memoryUsage.rss() - before;
    const rawTimes: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < 3; round++) {
      rawTimes.push(await streamedMs(nodeFs, path));
      ours.push(await streamedMs(layer.fs as unknown as typeof nodeFs, path));
    }
    layer.close();
    const speed = Math.min(...rawTimes) / Math.min(...ours);
    return [
      {
        what: "1 GiB file patched and appended to: RSS growth",
        reach: "< 16 MiB",
        value: mebibytes(growth),
      },
      {
        what: "the same streamed: speed",
        reach: "≥ 0.9 × node:fs",
        value: `${speed.toFixed(2)} ×`,
      },
    ];
  },

  /** New content beyond the memory limit spills to the disk. */
  "large-new": async (root, scale) => {
    const layer = openLayer({ root, memoryLimitBytes: 100 * MIB } as Parameters<
      typeof openLayer
    >[0]);
    globalThis.gc?.();
    const before = process.memoryUsage.rss();
    let peak = before;
    const descriptor = layer.fs.openSync(join(root, "big"), "w");
    const piece = Buffer.alloc(MIB, "x");
    for (let index = 0; index < Math.round(1024 * scale); index++) {
      layer.fs.writeSync(descriptor, piece);
      peak = Math.max(peak, process.memoryUsage.rss());
    }
    layer.fs.closeSync(descriptor);
    layer.close();
    return [
      {
        what: "1 GiB written with a memory limit of 100 MB: peak RSS growth",
        reach: "< 150 MB",
        value: mebibytes(peak - before),
      },
    ];
  },

  /** What one more pending small file costs. */
  "small-files": async (root, scale) => {
    const layer = openLayer({ root });
    const count = Math.max(100, Math.round(50_000 * scale));
    const content = Buffer.alloc(64, "x");
    const names = Array.from({ length: count }, (_, index) => `file-${index}.txt`);
    layer.fs.writeFileSync(join(root, "warm"), content);
    const before = collectedHeap();
    for (const name of names) layer.fs.writeFileSync(join(root, name), content);
    const bytes = (collectedHeap() - before) / count - content.length - 16;
    layer.close();
    return [
      {
        what: "heap per pending small file",
        reach: "≤ 600 bytes",
        value: `${bytes.toFixed(0)} bytes`,
      },
    ];
  },
};

function writeLarge(fs: typeof nodeFs, path: string, size: number): void {
  const descriptor = fs.openSync(path, "w");
  const piece = Buffer.alloc(MIB);
  for (let position = 0; position < size; position += piece.length) {
    piece.fill(position / MIB);
    fs.writeSync(descriptor, piece);
  }
  fs.closeSync(descriptor);
}

async function streamedMs(fs: typeof nodeFs, path: string): Promise<number> {
  const start = performance.now();
  let total = 0;
  for await (const piece of fs.createReadStream(path, { highWaterMark: MIB }))
    total += piece.length;
  if (total === 0) throw new Error(`${path} is empty`);
  return performance.now() - start;
}
