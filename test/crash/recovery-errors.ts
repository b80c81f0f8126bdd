import { expect } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { readTree } from "../commit/tree.ts";
import { type DiskCall, type Fault, FaultDisk } from "../support/fault-disk.ts";
import {
  classify,
  codeOf,
  disturb,
  isPromotion,
  isStoreSound,
  type JournalForm,
  makeRoot,
  recover,
  rehearse,
} from "./commit-faults.ts";

const fine: Fault = { kind: "none" };

/** What recovery finds: a commit that was cut off, or one that failed and was being taken back. */
export type Interrupted = "commit" | "abort";

/** Dies in the middle of carrying out a commit, or of taking one back. */
async function interrupt(root: string, kind: Interrupted): Promise<void> {
  let promotions = 0;
  let steps = 0;
  await disturb(root, (call) => {
    const wanted = kind === "commit" ? 1 : 2;
    if (promotions === wanted && call.changes && steps++ === 9) return { kind: "death" };
    if (isPromotion(call)) promotions += 1;
    const isRefused = call.name === "mkdir" && call.path?.endsWith("/empty") === true;
    return isRefused && kind === "abort" ? { kind: "error", code: "ENOSPC" } : fine;
  });
}

/**
 * Recovers with an error at one call, for each call and each of its codes: once, or at that call and
 * every later one of the same kind and path. Whatever becomes of it, the tree is never one that
 * cannot be finished, and the next recovery, on a disk in order, leaves the old one or the new one.
 *
 * @returns how often each way to end was seen.
 */
export async function sweepRecovery(
  form: JournalForm,
  interrupted: Interrupted,
  isPersistent: boolean,
  codesOf: (call: DiskCall) => readonly string[],
): Promise<{ readonly points: number; readonly seen: Readonly<Record<string, number>> }> {
  const outcomes = await rehearse({}, form);
  const wanted = interrupted === "commit" ? ["old", "new"] : ["old"];
  const seen: Record<string, number> = {};
  let points = 0;
  for (const point of await callsOf(form, interrupted)) {
    for (const code of codesOf(point)) {
      points += 1;
      using root = TemporaryRoot.inMemory();
      await makeRoot(root.path, form);
      await interrupt(root.path, interrupted);
      const disk = new FaultDisk(new NodeDisk(), (call) => {
        const isHit = isPersistent
          ? call.index >= point.index && call.name === point.name
          : call.index === point.index;
        return isHit ? { kind: "error", code } : fine;
      });
      let parted = 0;
      const error: unknown = await recover(root.path, disk).then(
        (report) => {
          parted = report.parted.length;
        },
        (reason: unknown) => reason,
      );
      const ending = error === undefined ? "recovered" : codeOf(error).replace(/:.*/s, "");
      const where = `${code} at ${point.index} ${point.name} ${point.path}: ${ending}`;
      const found = () => classify(root.path, outcomes, parted > 0);
      if (error === undefined) expect(wanted, where).toContain(found());
      parted += (await recover(root.path)).parted.length;
      expect(wanted, where).toContain(found());
      const settled = readTree(root.path, { times: true });
      await recover(root.path);
      expect(readTree(root.path, { times: true }), where).toEqual(settled);
      if (points % 8 === 0) expect(isStoreSound(root.path), where).toBe(true);
      seen[ending] = (seen[ending] ?? 0) + 1;
    }
  }
  return { points, seen };
}

async function callsOf(form: JournalForm, interrupted: Interrupted): Promise<readonly DiskCall[]> {
  using root = TemporaryRoot.inMemory();
  await makeRoot(root.path, form);
  await interrupt(root.path, interrupted);
  const disk = new FaultDisk(new NodeDisk());
  await recover(root.path, disk);
  return disk.calls;
}
