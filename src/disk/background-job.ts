import fs from "node:fs";
import { type BatchOutcome, createBatch, type FileBatch } from "./file-batch.ts";

/** What the background thread is asked to do. */
export type BackgroundJob =
  | FileBatch
  | { readonly kind: "close"; readonly descriptors: readonly number[] };

export function doJob(job: BackgroundJob): BatchOutcome {
  if (job.kind === "create") return createBatch(job);
  for (const descriptor of job.descriptors) fs.closeSync(descriptor);
  return { kind: "done" };
}
