import { expect, test } from "vitest";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { ForgetfulDisk, type Personality } from "../support/forgetful-disk.ts";
import { fc } from "../support/properties.ts";
import { type SimpleEdit, simpleChanges, simpleEdit } from "./simple-changes.ts";

// Shrinking repeats whole power cuts; the seed that is printed repeats the failure at once.
const runs = { numRuns: Number(process.env["DRAFTFS_RUNS"] ?? 120), endOnFailure: true };
const root = "/root";

class PowerCut extends Error {}

interface Trial {
  readonly commits: readonly (readonly SimpleEdit[])[];
  /** Where the power goes, as a share of all changes. */
  readonly share: number;
  readonly seed: number;
  /** Where it goes again during recovery; 1 or more: not at all. */
  readonly again: number;
}

const trial: fc.Arbitrary<Trial> = fc.record({
  commits: fc.array(fc.array(simpleEdit, { minLength: 1, maxLength: 6 }), {
    minLength: 1,
    maxLength: 5,
  }),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.nat(),
  again: fc.double({ min: 0, max: 2, noNaN: true }),
});

/** Numbers from a seed; mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function open(disk: ForgetfulDisk) {
  return openCommitStore(disk, stateDirectoryOf(root));
}

/** Carries the commits out; returns the trees after each, the first being the empty one. */
async function carryOut(disk: ForgetfulDisk, commits: Trial["commits"], trees: string[]) {
  const store = open(disk);
  for (const edits of commits) {
    const changes: ChangeSet = simpleChanges(disk, root, edits);
    await commitChangeSet(store, changes, { checks: "minimal" });
    trees.push(JSON.stringify(disk.tree(root, ".draftfs")));
  }
}

async function start(personality: Personality): Promise<ForgetfulDisk> {
  const disk = new ForgetfulDisk(personality);
  disk.mkdir(root, 0o755);
  await disk.syncfs();
  return disk;
}

async function survives(
  personality: Personality,
  { commits, share, seed, again }: Trial,
  deafTo?: ForgetfulDisk["deafTo"],
): Promise<void> {
  const random = randomFrom(seed);
  const whole = await start(personality);
  const first = whole.changes;
  const trees = [JSON.stringify(whole.tree(root, ".draftfs"))];
  await carryOut(whole, commits, trees);
  const cut = first + Math.floor((whole.changes - first) * share);

  const disk = await start(personality);
  disk.deafTo = deafTo;
  cutAt(disk, cut);
  const reached = [trees[0] as string];
  await carryOut(disk, commits, reached).catch(dropPowerCut);
  let next = disk.afterPowerCut(random);
  if (again < 1) {
    cutAt(next, Math.floor(again * 60));
    await recoverJournal(open(next)).catch(dropPowerCut);
    next = next.afterPowerCut(random);
  }
  await recoverJournal(open(next));
  const found = trees.lastIndexOf(JSON.stringify(next.tree(root, ".draftfs")));
  expect(found, JSON.stringify(next.tree(root, ".draftfs"))).toBeGreaterThanOrEqual(0);
  expect(found).toBeGreaterThanOrEqual(trees.indexOf(reached.at(-1) as string));
}

function cutAt(disk: ForgetfulDisk, limit: number): void {
  disk.beforeChange = (count) => {
    if (count >= limit) throw new PowerCut();
  };
}

test.each([
  { order: "in order", personality: { orderedNames: true } },
  { order: "in any order", personality: { orderedNames: false } },
])(
  "a power cut that loses names $order leaves the tree of a commit, and no acknowledged one is lost",
  async ({ personality }) => {
    await fc.assert(
      fc.asyncProperty(trial, (told) => survives(personality, told)),
      runs,
    );
  },
);

test.each(["fsync", "fdatasync", "syncfs"] as const)(
  "a protocol that leaves out %s is caught",
  async (deafTo) => {
    const result = await fc.check(
      fc.asyncProperty(trial, (told) => survives({ orderedNames: true }, told, deafTo)),
      { numRuns: 400, endOnFailure: true },
    );
    expect(result.failed).toBe(true);
    console.log(`without ${deafTo}: caught after ${result.numRuns} power cuts`);
  },
);

function dropPowerCut(error: unknown): void {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof PowerCut) return;
  }
  throw error;
}
