import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import type { Operation } from "../../src/engines/operation.ts";
import { WritePipeline } from "../../src/engines/optimizer/write-pipeline.ts";
import type { EngineOverlay } from "../../src/engines/overlay-port.ts";
import { runPlain } from "../../src/engines/run-plain.ts";
import { findTemplatesIn } from "../../src/engines/template/find-templates.ts";
import { MeasurementWindow } from "../../src/metrics/measurement-window.ts";
import { Meter } from "../../src/metrics/meter.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import type { Scale } from "./scenario.ts";

/** What the optimiser and measuring add to a single small write, and what clustering takes. */
export function overheadSection(
  place: Place,
  options: Scale & { readonly rounds: number },
): string {
  const blocks = options.tiny ? 3 : 20 * options.rounds;
  const memory = "/dev/shm";
  const rows = [
    overheadRow(`on ${place.name}`, place.directory, blocks, "disk"),
    ...(fs.existsSync(memory)
      ? [overheadRow("on a tmpfs, the cheapest disk there is", memory, blocks, "disk")]
      : []),
    overheadRow("on an overlay, in memory", place.directory, blocks, "overlay"),
  ];
  const header = [
    "single write of 200 bytes",
    "plain µs",
    "optimised µs",
    "more",
    "and measured µs",
    "more",
  ];
  return `${markdownTable(header, rows)}\n\n${clusterTable(options.tiny ? 50 : 10_000)}`;
}

/** Writes of one block: few enough that whatever the machine does falls upon neighbours alike. */
const blockWrites = 100;

function overheadRow(
  name: string,
  directory: string,
  blocks: number,
  on: "disk" | "overlay",
): string[] {
  const root = fs.mkdtempSync(join(directory, "overhead-"));
  const layer = openLayer({ root });
  const disk = { root, fs, savepoint: () => 0, rollback: () => {}, release: () => {} };
  const overlay: EngineOverlay = on === "overlay" ? layer : disk;
  const bytes = Buffer.alloc(200, "x");
  const through = (pipeline: WritePipeline) => (operation: Operation) => {
    pipeline.submit(operation);
    pipeline.flush();
  };
  const meter = new Meter(new MeasurementWindow().observe);
  const ways: ((operation: Operation) => unknown)[] = [
    (operation) => runPlain(overlay, operation),
    through(new WritePipeline(overlay)),
    through(new WritePipeline(overlay, { meter })),
  ];
  const samples = ways.map((): number[] => []);
  for (let block = 0; block < blocks * 1.2; block++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const index = (turn + block) % ways.length;
      const run = ways[index] ?? (() => undefined);
      const start = performance.now();
      for (let write = 0; write < blockWrites; write++) {
        run({ kind: "write", path: `file-${write}`, bytes });
      }
      const elapsedUs = (performance.now() - start) * 1000;
      // New files each time: ext4 flushes those that are truncated and written again.
      for (let write = 0; write < blockWrites; write++) {
        overlay.fs.unlinkSync(join(root, `file-${write}`));
      }
      // The first ones warm up.
      if (block >= blocks * 0.2) samples[index]?.push(elapsedUs / blockWrites);
    }
  }
  layer.close();
  fs.rmSync(root, { recursive: true });
  const [plain = 0, optimized = 0, measured = 0] = samples.map(medianOf);
  const more = (value: number) => `${((value / plain - 1) * 100).toFixed(1)} %`;
  return [
    name,
    figure(plain),
    figure(optimized),
    more(optimized),
    figure(measured),
    more(measured),
  ];
}

/** Finds the templates among pending files, as who has an overlay does. */
function clusterTable(count: number): string {
  const root = fs.mkdtempSync(join(os.tmpdir(), "draftfs-bench-cluster-"));
  const layer = openLayer({ root });
  let bytes = 0;
  for (let index = 0; index < count; index++) {
    const text = textOf(index);
    bytes += text.length;
    const directory = join(root, `part-${index % 40}`);
    if (index < 40) layer.fs.mkdirSync(directory);
    layer.fs.writeFileSync(join(directory, `${index}.txt`), text);
  }
  const start = performance.now();
  const found = findTemplatesIn(layer);
  const elapsedMs = performance.now() - start;
  layer.close();
  fs.rmSync(root, { recursive: true });
  const instances = found.reduce((sum, one) => sum + one.instances.length, 0);
  return markdownTable(
    ["templates found among", "files", "MiB", "ms, reading included", "templates", "files of them"],
    [
      [
        "pending files",
        String(count),
        figure(bytes / 1024 ** 2),
        figure(elapsedMs),
        String(found.length),
        String(instances),
      ],
    ],
  );
}

/** A file of one of the makes, of its own length, and every tenth one of no make at all. */
function textOf(index: number): string {
  const word = (seed: number) => words[(seed * 7 + index * (seed + 3)) % words.length] ?? "";
  if (index % 10 === 9) {
    const random = randomFrom(index);
    const any = () => words[Math.floor(random() * words.length)] ?? "";
    return Array.from({ length: 60 + (index % 90) }, any).join(" ");
  }
  const body = (bodies[index % bodies.length] ?? "").replaceAll("NAME", `${word(1)}${index}`);
  const notes = Array.from({ length: index % 4 }, (_, at) => `${word(at)} ${word(at + 5)}\n`);
  return `${body.repeat(4)}${notes.join("")}`;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const words = (
  "account order invoice customer product ledger branch shelf parcel route driver ticket seat " +
  "garden window bottle paper stone river cloud engine signal bridge letter corner market"
).split(" ");

/** Files of five makes, some 1 KiB each. */
const bodies = [
  "import { Service } from './service.js';\nexport class NAME extends Service {\n" +
    "  async start(): Promise<void> {\n    await this.connect();\n  }\n}\n",
  "describe('NAME', () => {\n  it('returns what it was given', () => {\n" +
    "    expect(NAME(1)).toBe(1);\n    expect(NAME(2)).toBe(2);\n  });\n});\n",
  "apiVersion: v1\nkind: Deployment\nmetadata:\n  name: NAME\nspec:\n  replicas: 2\n" +
    "  template:\n    spec:\n      containers:\n        - image: registry/NAME:latest\n",
  "CREATE TABLE NAME (\n  id integer PRIMARY KEY,\n  created_at timestamp NOT NULL,\n" +
    "  owner text REFERENCES owners\n);\nCREATE INDEX NAME_owner ON NAME (owner);\n",
  "# NAME\n\nThis package holds NAME and its tests.\n\n## Usage\n\nInstall NAME first, " +
    "then call it as the examples below show.\n",
];
