import { expect, it } from "vitest";
import { DraftError } from "../../src/errors.ts";
import { nothingDone } from "../../src/metrics/meter.ts";
import { isRefusal } from "../../src/metrics/refusal.ts";

const locked = new DraftError("DRAFT_LOCKED", "Somebody else commits.");

it.each(["DRAFT_LOCKED", "DRAFT_CONFLICT", "DRAFT_ABORTED", "DRAFT_TOOL_INPUT"] as const)(
  "%s is a refusal",
  (code) => {
    expect(isRefusal(new DraftError(code, "No."), nothingDone)).toBe(true);
  },
);

it.each(["DRAFT_COMMIT_FAILED", "DRAFT_STORE_CORRUPT", "DRAFT_STATE_UNUSABLE"] as const)(
  "%s is an error of the system",
  (code) => {
    expect(isRefusal(new DraftError(code, "No."), nothingDone)).toBe(false);
  },
);

it("what was thrown by others, and damage that a check has found, are errors", () => {
  expect(isRefusal(new Error("EIO"), nothingDone)).toBe(false);
  const details = { level: "critical_failure" };
  const damage = new DraftError("DRAFT_CHECK_FAILED", "Read back otherwise.", { details });
  expect(isRefusal(damage, nothingDone)).toBe(false);
});

it("a checkpoint that is not there is refused, and one that has lost an object is an error", () => {
  const missing = (details: Record<string, unknown>) =>
    new DraftError("DRAFT_CHECKPOINT_MISSING", "No.", { details });
  expect(isRefusal(missing({}), nothingDone)).toBe(true);
  expect(isRefusal(missing({ oid: "a".repeat(40) }), nothingDone)).toBe(false);
});

it("what had been done, or was taken back, makes an error of a refusal", () => {
  expect(isRefusal(locked, { ...nothingDone, io: { ...nothingDone.io, writes: 1 } })).toBe(false);
  expect(isRefusal(locked, { ...nothingDone, safety: { rollback: "done" } })).toBe(false);
});
