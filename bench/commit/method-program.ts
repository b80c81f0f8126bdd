/**
 * Runs one method once and ends, for strace: `method-program.js KEY ROOT KIND FILES VERSION MARKER`.
 * Looks at the path MARKER right after the method said that it was done.
 */
import fs from "node:fs";
import process from "node:process";
import { makeTextFiles } from "../lib/text-files.ts";
import type { WorkKind } from "./method.ts";
import { methods } from "./methods/index.ts";

const [key = "", root = "", kind = "", files = "", version = "", marker = ""] =
  process.argv.slice(2);
const method = methods[key];
if (method === undefined) throw new Error(`There is no method ${key}.`);
const open = await method.open({
  root,
  kind: kind as WorkKind,
  files: makeTextFiles(Number(files), Number(version)),
});
mark("start");
await open.run();
mark("end");
await open.close();

function mark(which: string): void {
  try {
    fs.accessSync(`${marker}-${which}`);
  } catch {
    // It is there to be seen by strace only.
  }
}
