import { reasonOf } from "../../errors.ts";
import type { CommitReceipt, OverlayReceipt } from "../../index.ts";
import { printable } from "../terminal.ts";
import { bytesText, countText, durationText } from "./quantities.ts";

/** `Checkpoint @3: 12 paths, 40 KiB written in 35 ms (1a2b3c4).`, and a line for each warning. */
export function receiptText(receipt: CommitReceipt): string {
  const { sequence, changes, counts, operation } = receipt;
  const what = `${countText(changes.length, "path")}, ${bytesText(counts.bytesWritten)} written`;
  const time = durationText(counts.elapsedMs);
  const text = `Checkpoint @${sequence}: ${what} in ${time} (${operation.slice(0, 7)}).`;
  return [text, ...warningsOf(receipt).map((warning) => `  warning: ${warning}`)].join("\n");
}

/** A receipt as plain data. */
export function receiptDocument(receipt: CommitReceipt): Record<string, unknown> {
  const { sequence, operation, main, changes, durability, counts } = receipt;
  const warnings = warningsOf(receipt);
  return { sequence, checkpoint: operation, main, changes, durability, counts, warnings };
}

function warningsOf(receipt: CommitReceipt & Pick<OverlayReceipt, "unsaved">): string[] {
  const { warnings, unpublished, unsaved } = receipt;
  const found = warnings.map(({ path, message }) => `${printable(path)}: ${message}`);
  if (unpublished !== undefined) {
    const next = "It is safe in the journal; the next command brings it there.";
    found.push(`the checkpoint is not in the store yet (${reasonOf(unpublished)}). ${next}`);
  }
  if (unsaved !== undefined) {
    const state = "It still holds what was committed, which is no change any more.";
    found.push(`the draft could not be saved anew (${reasonOf(unsaved)}). ${state}`);
  }
  return found;
}
