import { afterEach, beforeEach, expect, test } from "vitest";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { isJournalStuck } from "../../src/commit/recover/stuck-journal.ts";
import { journalStuckMs } from "../../src/limits.ts";
import { HastyDisk, HistoryFixture } from "../recovery/history-fixture.ts";
import { FaultDisk } from "../support/fault-disk.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

const isStuckIn = (afterMs: number): boolean =>
  isJournalStuck(new HastyDisk(), fixture.state, Date.now() + afterMs);

test("a journal is stuck when an operation was cut off, and nobody has been at it since", async () => {
  expect(isStuckIn(journalStuckMs * 2)).toBe(false);
  await fixture.write({ a: "1" });
  expect(isStuckIn(journalStuckMs * 2)).toBe(false);
  let isDecided = false;
  const dying = new FaultDisk(new HastyDisk(), ({ name, path, changes }) => {
    if (isDecided && changes) return { kind: "death" };
    isDecided ||= name === "rename" && path?.endsWith("journal/current") === true;
    return { kind: "none" };
  });
  const alive = fixture.store;
  fixture.store = openCommitStore(dying, fixture.state);
  await expect(fixture.write({ a: "2", b: "2" })).rejects.toThrow();
  expect(isStuckIn(0)).toBe(false);
  expect(isStuckIn(journalStuckMs + 1000)).toBe(true);
  fixture.store = alive;
  await recoverJournal(alive);
  expect(isStuckIn(journalStuckMs * 2)).toBe(false);
});
