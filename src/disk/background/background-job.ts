import fs from "node:fs";
import { type BatchOutcome, createBatch, type FileBatch } from "./file-batch.ts";

/** What the background thread is asked to do. */
export type BackgroundJob =
  | FileBatch
  | { readonly kind: "close"; readonly descriptors: readonly number[] };

export function doJob(job: BackgroundJob): BatchOutcome {
  if (job.kind === "create") return createBatch(job);
  closeAll(job.descriptors);
  return { kind: "done" };
}

/** Closes files that were only read: a file system that complains then tells of nothing lost. */
export function closeAll(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) {
    try {
      fs.closeSync(descriptor);
    } catch {
      // It is closed all the same: close(2) of Linux.
    }
  }
}
