import fs from "node:fs";
import { join } from "node:path";
import { clusterTexts } from "../../src/engines/cluster-texts.ts";
import { findTemplates } from "../../src/engines/find-templates.ts";
import type { Operation } from "../../src/engines/operation.ts";
import { runPlain } from "../../src/engines/run-plain.ts";
import { WritePipeline } from "../../src/engines/write-pipeline.ts";
import { MeasurementWindow } from "../../src/metrics/measurement-window.ts";
import { Meter } from "../../src/metrics/meter.ts";
import { openLayer } from "../../src/overlay/layer.ts";
import { interleave } from "../lib/interleave.ts";
import type { Place } from "../lib/place.ts";
import { figure, medianOf } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import type { Scale } from "./scenario.ts";

/** What the optimiser and measuring add to a single small write, and what clustering takes. */
export async function overheadSection(
  place: Place,
  options: Scale & { readonly rounds: number },
): Promise<string> {
  const writes = options.tiny ? 20 : 5000;
  const rows = [
    await overheadRow("on the real file system, page cache", place, writes, options.rounds, "disk"),
    await overheadRow("on an overlay, in memory", place, writes, options.rounds, "overlay"),
  ];
  const header = ["single write of 200 bytes", "plain µs", "optimised and measured µs", "more"];
  return `${markdownTable(header, rows)}\n\n${clusterTable(options.tiny ? 50 : 10_000)}`;
}

async function overheadRow(
  name: string,
  place: Place,
  writes: number,
  rounds: number,
  on: "disk" | "overlay",
): Promise<string[]> {
  const bytes = Buffer.alloc(200, "x");
  const operationAt = (index: number): Operation => {
    return { kind: "write", path: `file-${index % 50}`, bytes };
  };
  const measure = (work: (run: (operation: Operation) => void) => void, optimized: boolean) => {
    const root = fs.mkdtempSync(join(place.directory, "overhead-"));
    const layer = openLayer({ root });
    const overlay =
      on === "overlay"
        ? layer
        : { root, fs, savepoint: () => 0, rollback: () => undefined, release: () => undefined };
    const meter = new Meter(new MeasurementWindow().observe);
    const pipeline = new WritePipeline(overlay, { meter });
    const run = (operation: Operation) => {
      if (!optimized) runPlain(overlay, operation);
      else {
        pipeline.submit(operation);
        pipeline.flush();
      }
    };
    const start = performance.now();
    work(run);
    const elapsedMs = performance.now() - start;
    layer.close();
    fs.rmSync(root, { recursive: true });
    return elapsedMs;
  };
  const all = (run: (operation: Operation) => void) => {
    for (let index = 0; index < writes; index++) run(operationAt(index));
  };
  const samples = await interleave(
    [
      { name: "plain", measure: async () => measure(all, false) },
      { name: "optimized", measure: async () => measure(all, true) },
    ],
    { rounds: Math.max(3, rounds) },
  );
  const [plain = 0, optimized = 0] = ["plain", "optimized"].map(
    (key) => (medianOf(samples.get(key) ?? []) * 1000) / writes,
  );
  const more = `${((optimized / plain - 1) * 100).toFixed(1)} %`;
  return [name, figure(plain), figure(optimized), more];
}

function clusterTable(count: number): string {
  const texts = Array.from({ length: count }, (_, index) => {
    const body = bodies[index % bodies.length] ?? "";
    return body.replaceAll("NAME", `item${index}`).repeat(4);
  });
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  const start = performance.now();
  const clusters = clusterTexts(texts);
  const clusteredMs = performance.now() - start;
  const found = findTemplates(
    texts.map((text, index) => {
      return { path: `${index}.ts`, bytes: Buffer.from(text) };
    }),
  );
  const foundMs = performance.now() - start - clusteredMs;
  return markdownTable(
    ["clustering", "files", "MiB", "groups", "ms", "with templates drawn", "templates"],
    [
      [
        "pending files",
        String(count),
        figure(bytes / 1024 ** 2),
        String(clusters.length),
        figure(clusteredMs),
        figure(foundMs),
        String(found.length),
      ],
    ],
  );
}

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
