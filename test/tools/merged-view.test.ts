import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findTool } from "../../src/tools/tool-registry.ts";
import { layerOverlay, viewOf } from "../engines/support/layer-overlay.ts";
import {
  plainOverlay,
  plant,
  temporaryDirectory,
  treeOf,
} from "../engines/support/plain-overlay.ts";

const files = {
  "src/a.ts": "export const a = 1;\n",
  "src/b.ts": "import { a } from './a';\n",
  "src/gone.ts": "export const a = 0;\n",
  "n.ipynb": JSON.stringify({
    cells: [{ cell_type: "code", id: "one", metadata: {}, outputs: [], source: ["1"] }],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  }),
};

const steps: readonly (readonly [string, Record<string, unknown>])[] = [
  ["Edit", { file_path: "src/a.ts", old_string: "a = 1", new_string: "a = 2" }],
  ["MultiEdit", { file_path: "src/b.ts", edits: [{ old_string: "./a", new_string: "./moved/a" }] }],
  ["Write", { file_path: "src/new/c.ts", content: "export const a = 3;\n" }],
  ["NotebookEdit", { notebook_path: "n.ipynb", cell_id: "one", new_source: "2" }],
  ["Move", { source: "src/a.ts", destination: "src/moved/a.ts" }],
  ["Delete", { path: "src/gone.ts" }],
  ["MakeDirectory", { path: "empty" }],
];
const looks: readonly (readonly [string, Record<string, unknown>])[] = [
  ["Read", { file_path: "src/moved/a.ts" }],
  ["List", { path: "src" }],
  ["Glob", { pattern: "**/*.ts" }],
  ["Grep", { pattern: "const a", output_mode: "content" }],
];

describe("the tools on an overlay", () => {
  // omnigent#7596, apache/maka#509.
  it("do and see what they would on the disk, which stays as it was", async () => {
    const disk = plainOverlay();
    const layer = layerOverlay(temporaryDirectory());
    for (const { root } of [disk, layer]) plant(root, files);
    const before = treeOf(layer.root);
    const seen: unknown[][] = [[], []];
    for (const [index, overlay] of [disk, layer].entries()) {
      for (const [name, input] of [...steps, ...looks]) {
        const result = await findTool(name)?.call({ overlay }, input);
        const plain = JSON.stringify(result, (key, value) => {
          if (key === "durationMs") return 0;
          if (typeof value === "string") return value.replaceAll(overlay.root, "/root");
          // Names come by time, which differs between the two.
          return key === "filenames" ? [...value].sort() : value;
        });
        seen[index]?.push(`${name} ${plain}`);
      }
    }
    expect(seen[1]).toEqual(seen[0]);
    expect(viewOf(layer)).toEqual(treeOf(disk.root));
    expect(treeOf(layer.root)).toEqual(before);
    expect(layer.fs.existsSync(join(layer.root, "src/gone.ts"))).toBe(false);
    layer.close();
  });
});
