import type { CommitReceipt } from "../index.ts";
import { bytesText, countText, durationText } from "./quantities.ts";

/** `Checkpoint 3: 12 paths, 40 KiB written in 35 ms (1a2b3c4).` */
export function receiptText(receipt: CommitReceipt): string {
  const { sequence, changes, counts, operation } = receipt;
  const what = `${countText(changes.length, "path")}, ${bytesText(counts.bytesWritten)} written`;
  const time = durationText(counts.elapsedMs);
  return `Checkpoint ${sequence}: ${what} in ${time} (${operation.slice(0, 7)}).`;
}

/** A receipt as plain data. */
export function receiptDocument(receipt: CommitReceipt): Record<string, unknown> {
  const { sequence, operation, main, changes, durability, counts } = receipt;
  return { sequence, checkpoint: operation, main, changes, durability, counts };
}
