import fs from "node:fs";
import { expect } from "vitest";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import type { DiskCall } from "../support/fault-disk.ts";
import {
  classify,
  codeOf,
  disturb,
  isStoreSound,
  type JournalForm,
  makeRoot,
  recover,
  rehearse,
  stagedInStore,
} from "./commit-faults.ts";

/**
 * Commits with an error at one call, for each call and each of its codes: the tree must be the old
 * one, or the new one when the commit did not fail, the lock is given back, and recovery must find
 * nothing else to say.
 *
 * @returns how often each way to end was seen.
 */
export async function sweepErrors(
  form: JournalForm,
  codesOf: (call: DiskCall) => readonly string[],
): Promise<{ readonly points: number; readonly seen: Readonly<Record<string, number>> }> {
  const outcomes = await rehearse({}, form);
  const seen: Record<string, number> = {};
  let points = 0;
  for (const point of outcomes.calls) {
    for (const code of codesOf(point)) {
      points += 1;
      using root = TemporaryRoot.inMemory();
      await makeRoot(root.path, form);
      let isLock = false;
      const error = await disturb(root.path, ({ index, path }) => {
        if (index !== point.index) return { kind: "none" };
        // What cannot be removed stays.
        isLock = path?.endsWith("/.draftfs/lock") === true;
        return { kind: "error", code };
      });
      const ending = error === undefined ? "unnoticed" : codeOf(error);
      const where = `${code} at ${point.index} ${point.name} ${point.path}: ${ending}`;
      expect(ending, where).toMatch(/^(unnoticed|DRAFT_\w+)$/);
      const { lock } = stateDirectoryOf(root.path);
      if (!isLock) expect(fs.existsSync(lock), `${where}: the lock`).toBe(false);
      const atOnce = classify(root.path, outcomes);
      if (ending === "unnoticed") expect(atOnce, where).toBe("new");
      if (ending === "DRAFT_COMMIT_FAILED") expect(atOnce, where).toBe("old");
      await recover(root.path);
      const outcome = classify(root.path, outcomes);
      expect(["old", "new"], `${where}: ${outcome}`).toContain(outcome);
      // What cannot be removed stays.
      if (point.name !== "unlink") expect(stagedInStore(root.path), where).toEqual([]);
      const settled = readTree(root.path, { times: true });
      await recover(root.path);
      expect(readTree(root.path, { times: true }), where).toEqual(settled);
      if (points % 8 === 0) expect(isStoreSound(root.path), where).toBe(true);
      const kind = `${ending}, ${outcome}`;
      seen[kind] = (seen[kind] ?? 0) + 1;
    }
  }
  return { points, seen };
}
