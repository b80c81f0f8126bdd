/**
 * One method in a process of its own, so that no method warms up, or pollutes, another: takes
 * requests from `ContestantProcess` until the channel closes.
 */
import process from "node:process";
import { makeTextFiles } from "../lib/text-files.ts";
import type { OpenMethod, WorkKind } from "./method.ts";
import { methods } from "./methods/index.ts";

export type Request =
  | {
      readonly kind: "open";
      /** Prepared by the one who asks, so that the method's process has nothing to do but its work. */
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
    const { root, work, files, version } = request;
    open = await method?.open({ root, kind: work, files: makeTextFiles(files, version) });
    return 0;
  }
  if (open === undefined) throw new Error("Nothing has been opened.");
  const start = performance.now();
  if (request.kind === "run") await open.run();
  else await open.close();
  return performance.now() - start;
}
