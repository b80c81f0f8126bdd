import { expect, test } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import type { Durability } from "../../src/commit/receipt.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { repairStore } from "../../src/recovery/repair-store.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { ForgetfulDisk } from "../support/forgetful-disk.ts";
import { fc } from "../support/properties.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { type SimpleEdit, simpleChanges, simpleEdit } from "./simple-changes.ts";

const root = "/root";
const runs = { numRuns: Number(process.env["DRAFTFS_RUNS"] ?? 80), endOnFailure: true };

class PowerCut extends Error {}

function isPowerCut(error: unknown): boolean {
  return error instanceof Error && (error instanceof PowerCut || isPowerCut(error.cause));
}

function unlessPowerCut(error: unknown): void {
  if (!isPowerCut(error)) throw error;
}

interface Commit {
  readonly edits: readonly SimpleEdit[];
  readonly durability: Durability;
}

interface Trial {
  readonly commits: readonly Commit[];
  /** Where the power goes, as a share of all changes. */
  readonly share: number;
  readonly seed: number;
  /** Where it goes again during recovery; beyond the end: not at all. */
  readonly again: number;
}

const trial: fc.Arbitrary<Trial> = fc.record({
  commits: fc.array(
    fc.record({
      edits: fc.array(simpleEdit, { minLength: 1, maxLength: 5 }),
      durability: fc.constantFrom<Durability>("none", "none", "durable"),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  share: fc.double({ min: 0.2, max: 1, noNaN: true }),
  seed: fc.nat(),
  again: fc.nat({ max: 120 }),
});

const open = (disk: ForgetfulDisk) => openCommitStore(disk, stateDirectoryOf(root));
const treeOf = (disk: ForgetfulDisk): string => JSON.stringify(disk.tree(root, ".draftfs"));

/** Carries the commits out, telling before each how many have returned and the tree so far. */
async function carryOut(disk: ForgetfulDisk, commits: readonly Commit[], trees: string[]) {
  const store = open(disk);
  for (const { edits, durability } of commits) {
    trees.push(treeOf(disk));
    const changes = simpleChanges(disk, root, edits);
    await commitChangeSet(store, changes, { checks: "minimal", durability });
  }
  trees.push(treeOf(disk));
}

async function start(orderedNames: boolean): Promise<ForgetfulDisk> {
  const disk = new ForgetfulDisk({ orderedNames });
  disk.mkdir(root, 0o755);
  await disk.syncfs();
  return disk;
}

function cutAt(disk: ForgetfulDisk, limit: number): void {
  disk.beforeChange = (count) => {
    if (count >= limit) throw new PowerCut();
  };
}

async function survive(orderedNames: boolean, told: Trial): Promise<string> {
  const random = new SeededRandom(told.seed);
  const whole = await start(orderedNames);
  const first = whole.changes;
  const trees: string[] = [];
  await carryOut(whole, told.commits, trees);
  const cut = first + Math.floor((whole.changes - first) * told.share);

  const disk = await start(orderedNames);
  cutAt(disk, cut);
  const begun: string[] = [];
  await carryOut(disk, told.commits, begun).catch(unlessPowerCut);
  let next = disk.afterPowerCut(() => random.fraction());
  cutAt(next, told.again);
  await recoverJournal(open(next)).catch(unlessPowerCut);
  next = next.afterPowerCut(() => random.fraction());

  const store = open(next);
  const report = await recoverJournal(store);
  await repairStore(store);
  expect(report.leftToPerson.length > 0).toBe(report.outcome === "lost" || report.kept.length > 0);
  // Whatever was lost, all that follows is as ever.
  expect((await recoverJournal(store)).outcome).toBe("clean");
  const edits = [{ kind: "write", path: "a", to: "a", text: "afterwards\n" }] as const;
  await commitChangeSet(store, simpleChanges(next, root, edits), { checks: "minimal" });
  const [newest, ...older] = [...checkpoints(store.objects)];
  expect(newest?.manifest.changes).toMatchObject([{ path: "a" }]);
  expect((await verifyStore(store)).problems).toEqual([]);
  // Nothing durable that had returned before the first volatile commit is lost.
  const count = told.commits.findIndex(({ durability }) => durability === "none");
  const safe = Math.min(count < 0 ? told.commits.length : count, begun.length - 1);
  expect(older.length).toBeGreaterThanOrEqual(safe);
  return report.outcome;
}

test.each([true, false])(
  'a loss of power under durability "none" is never taken for damage (names in order: %s)',
  async (orderedNames) => {
    const outcomes: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(trial, async (told) => {
        const outcome = await survive(orderedNames, told);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }),
      runs,
    );
    console.log(`recovered from losses of power: ${JSON.stringify(outcomes)}`);
    expect(outcomes["lost"]).toBeGreaterThan(0);
  },
);
