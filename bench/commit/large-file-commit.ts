/**
 * Commits one large file and prints the milliseconds of writing it into the overlay and of the
 * commit, and by how much the memory grew: `large-file-commit.js ROOT SOURCE`.
 */
import fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { DraftRoot } from "../lib/draft-root.ts";

const [root = "", source = ""] = process.argv.slice(2);
const draft = await DraftRoot.open(root);
draft.fs.writeFileSync(join(root, "first"), "");
await draft.commit();
await draft.settle();

globalThis.gc?.();
const peakKibBefore = process.resourceUsage().maxRSS;
const start = performance.now();
copyInto(join(root, "large"));
const written = performance.now();
const peakKibWritten = process.resourceUsage().maxRSS;
await draft.commit();
const committed = performance.now();
console.log(
  JSON.stringify({
    writeMs: written - start,
    commitMs: committed - written,
    writeMib: (peakKibWritten - peakKibBefore) / 1024,
    commitMib: (process.resourceUsage().maxRSS - peakKibWritten) / 1024,
  }),
);
await draft.settle();
await draft.close();

function copyInto(target: string): void {
  const input = fs.openSync(source, "r");
  const output = draft.fs.openSync(target, "w");
  const buffer = Buffer.alloc(1024 * 1024);
  for (;;) {
    const count = fs.readSync(input, buffer, 0, buffer.length, null);
    if (count === 0) break;
    draft.fs.writeSync(output, buffer, 0, count);
  }
  fs.closeSync(input);
  draft.fs.closeSync(output);
}
