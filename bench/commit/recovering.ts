/**
 * Opens a root in a new process, which recovers it, and prints the milliseconds: `recovering.js ROOT`.
 */
import process from "node:process";
import { DraftRoot } from "../lib/draft-root.ts";

const start = performance.now();
const draft = await DraftRoot.open(process.argv[2] ?? "");
console.log(performance.now() - start);
await draft.close();
