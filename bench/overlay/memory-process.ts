/** Runs one row about memory and prints what it found as JSON: `memory-process.js ROW SCALE`. */
import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { memoryRows } from "./memory-rows.ts";

const [name = "", scale = "1"] = process.argv.slice(2);
const row = memoryRows[name];
if (row === undefined) throw new Error(`${name} is none of ${Object.keys(memoryRows)}.`);
const root = nodeFs.realpathSync(nodeFs.mkdtempSync(join(tmpdir(), "draftfs-memory-")));
try {
  process.stdout.write(JSON.stringify(await row(root, Number(scale))));
} finally {
  nodeFs.rmSync(root, { recursive: true, force: true });
}
