/**
 * Opens a root again and again in one process and prints the milliseconds of each as JSON:
 * `opening.js ROOT ROUNDS`.
 */
import process from "node:process";
import { DraftRoot } from "../lib/draft-root.ts";

const samples: number[] = [];
for (let round = 0; round < Number(process.argv[3]); round++) {
  const start = performance.now();
  const draft = await DraftRoot.open(process.argv[2] ?? "");
  samples.push(performance.now() - start);
  await draft.close();
}
console.log(JSON.stringify(samples));
