import { expect, test } from "vitest";
import { receiptDocument, receiptText } from "../../src/cli/view/receipt-view.ts";
import type { CommitReceipt } from "../../src/index.ts";

const receipt: CommitReceipt = {
  sequence: 3,
  operation: "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
  main: "8091a2b3c4d1a2b3c4d5e6f708192a3b4c5d6e7f",
  changes: [],
  durability: "durable",
  warnings: [],
  counts: { filesWritten: 0, bytesWritten: 0, steps: 0, syncs: 3, elapsedMs: 35 },
};

test("a receipt without anything to warn of is one line", () => {
  expect(receiptText(receipt)).toMatch(/^Checkpoint @3: .* \(1a2b3c4\)\.$/);
  expect(receiptDocument(receipt)["warnings"]).toEqual([]);
});

test("a receipt shows what the checks let pass, and a checkpoint that is not in the store yet", () => {
  const path = "a\u001b.json";
  const warning = { path, check: "structure", severity: "warning", message: "is odd" } as const;
  const noted = { ...receipt, warnings: [warning], unpublished: new Error("no space left") };
  const [, first, second] = receiptText(noted).split("\n");
  expect(first).toBe("  warning: a\\x1b.json: is odd");
  expect(second).toMatch(/^ {2}warning: the checkpoint is not in the store yet \(no space left\)/);
  expect(receiptDocument(noted)["warnings"]).toHaveLength(2);
  const unsaved = { ...noted, unsaved: new Error("no space left") };
  expect(receiptText(unsaved)).toMatch(
    /warning: the draft could not be saved anew \(no space left\)/,
  );
});
