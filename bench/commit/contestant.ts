/**
 * One method in a process of its own, so that no method warms up, or pollutes, another: takes
 * requests from `ContestantProcess` until the channel closes.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import type { OpenMethod, Work, WorkKind } from "./method.ts";
import { methods } from "./methods/index.ts";
import { checkWork, prepareWork } from "./work-tree.ts";

export type Request =
  | {
      readonly kind: "open";
      readonly root: string;
      readonly work: WorkKind;
      readonly files: number;
      readonly version: number;
    }
  | { readonly kind: "run" }
  | { readonly kind: "close" };

export type Answer =
  | { readonly kind: "done"; readonly elapsedMs: number }
  | { readonly kind: "failed"; readonly message: string };

const method = methods[process.argv[2] ?? ""];
if (method === undefined) throw new Error(`There is no method ${process.argv[2]}.`);

let work: Work | undefined;
let open: OpenMethod | undefined;

process.on("message", (request: Request) => {
  answer(request).then(
    (elapsedMs) => process.send?.({ kind: "done", elapsedMs } satisfies Answer),
    (error: Error) =>
      process.send?.({ kind: "failed", message: error.stack ?? error.message } satisfies Answer),
  );
});

async function answer(request: Request): Promise<number> {
  if (request.kind === "open") {
    work = prepareWork(request.root, request.work, request.files, request.version);
    open = await method?.open(work);
    execFileSync("sync", ["-f", work.root]);
    // A collection of the garbage of this preparation is not the method's.
    globalThis.gc?.();
    return 0;
  }
  if (work === undefined || open === undefined) throw new Error("Nothing has been opened.");
  const start = performance.now();
  if (request.kind === "run") {
    await open.run();
    return performance.now() - start;
  }
  await open.close();
  checkWork(work);
  fs.rmSync(work.root, { recursive: true });
  execFileSync("sync", ["-f", dirname(work.root)]);
  return performance.now() - start;
}
