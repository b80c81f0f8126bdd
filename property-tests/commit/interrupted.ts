import fs from "node:fs";
import { expect } from "vitest";
import type { ChangeSet } from "../../src/commit/change-set/change-set.ts";
import { type Selection, selectChanges } from "../../src/commit/change-set/select.ts";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { openCommitStore } from "../../src/commit/commit-store.ts";
import { diffLayer } from "../../src/commit/diff/diff.ts";
import { recoverJournal } from "../../src/commit/recover/recover.ts";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { isDraftError } from "../../src/errors.ts";
import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { type Edit, tryEdit } from "../../test/commit/edits.ts";
import { TemporaryRoot } from "../../test/commit/scenario.ts";
import { readTree, type TreeLines } from "../../test/commit/tree.ts";
import {
  directory,
  hardlink,
  plant,
  type Seed,
  symlink,
} from "../../test/conformance/harness/seed.ts";
import { isPromotion } from "../../test/crash/commit-faults.ts";
import { type DiskCall, type Fault, FaultDisk } from "../../test/support/fault-disk.ts";
import { LayeredRoot } from "../../test/support/layered-root.ts";
import { fc } from "../../test/support/properties.ts";
import { StiffDisk } from "../../test/support/stiff-disk.ts";

const names = ["a", "b", "c", "d", "e"];
const seed: Seed = {
  a: "alpha",
  b: directory(),
  "b/a": "b's alpha",
  "b/c": directory(),
  "b/c/a": "deep",
  "b/d": hardlink("b/a"),
  "b/e": symlink("a"),
  c: symlink("b"),
  d: directory(),
  "d/a": hardlink("a"),
  "d/b": directory(0o555),
  "d/b/a": hardlink("b/c/a"),
  e: directory(),
  "e/a": "e's",
  "e/b": directory(),
  "e/b/c": hardlink("e/a"),
};

const path = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join("/"));
const one = <Kind extends Edit["kind"]>(kind: Kind) => fc.constant(kind);
/** Whoever is not root cannot look into a directory that he may not search. */
const modes = process.getuid?.() === 0 ? [0o755, 0o700, 0o444] : [0o755, 0o700, 0o750];

const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: one("rename"), from: path, path }) },
  { weight: 3, arbitrary: fc.record({ kind: one("link"), from: path, path }) },
  { weight: 3, arbitrary: fc.record({ kind: one("removeAll"), path }) },
  { weight: 3, arbitrary: fc.record({ kind: one("write"), path, text: fc.string() }) },
  { weight: 1, arbitrary: fc.record({ kind: one("append"), path, text: fc.string() }) },
  { weight: 2, arbitrary: fc.record({ kind: one("mkdir"), path, mode: fc.constant(0o755) }) },
  { weight: 1, arbitrary: fc.record({ kind: one("symlink"), path, target: path }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: one("chmod"), path, mode: fc.constantFrom(...modes) }),
  },
);
const globs = fc.option(
  fc.array(fc.constantFrom(...names, "a/**", "b/**", "*/a"), { minLength: 1 }),
  {
    nil: undefined,
  },
);

/** Where a commit is disturbed, as thousandths of its calls from the commit point on, and how; then perhaps its recovery too. */
const disturbance = fc.record({
  at: fc.integer({ min: 0, max: 999 }),
  code: fc.constantFrom(undefined, undefined, "EIO", "ENOSPC"),
  recoveryCalls: fc.option(fc.nat(30)),
});

const scenario = fc.record({
  edits: fc.array(edit, { minLength: 4, maxLength: 12, size: "max" }),
  include: globs,
  exclude: globs,
  disturbances: fc.array(disturbance, { minLength: 3, maxLength: 3 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

/** On which disk commits are made, and in which roots. */
export interface Surroundings {
  makeDisk(): Disk;
  /** An empty root that goes away with the scope, once `fill` has filled it. */
  makeRoot(fill: (path: string) => void): Disposable & { readonly path: string };
  /** Whether files keep their names together when they are written to. */
  readonly keepsLinks: boolean;
}

const ordinary: Surroundings = {
  makeDisk: () => new NodeDisk(),
  makeRoot(fill) {
    const root = TemporaryRoot.inMemory();
    fill(root.path);
    return root;
  },
  keepsLinks: true,
};

/** A file system on which no directory can be renamed. */
export const stiff: Surroundings = { ...ordinary, makeDisk: () => new StiffDisk() };

/** An overlayfs of which the lower layer holds all that is there at first. */
export const layered: Surroundings = {
  ...ordinary,
  makeRoot: (fill) => new LayeredRoot(fill),
  keepsLinks: false,
};

/**
 * Commits random changes, or a random part of them: undisturbed, to know the new tree, which undo
 * must make the old one again; and cut off by a death or an error, which must leave one of the two.
 */
export async function checkInterruptions(
  programsCount: number,
  limitMs?: number,
  surroundings = ordinary,
): Promise<void> {
  const ends: Record<string, number> = {};
  const property = fc.asyncProperty(scenario, async (drawn) => {
    const trees = await rehearse(drawn, surroundings);
    if (trees === undefined) return;
    if (surroundings !== ordinary) await compareWithOrdinary(drawn, trees, surroundings);
    for (const each of drawn.disturbances) {
      const end = await disturb(drawn, trees, each, surroundings);
      ends[end] = (ends[end] ?? 0) + 1;
    }
  });
  const limit = limitMs === undefined ? {} : { interruptAfterTimeLimit: limitMs };
  await fc.assert(property, { numRuns: programsCount, ...limit });
  console.log(JSON.stringify(ends));
}

async function compareWithOrdinary(
  drawn: Scenario,
  trees: Trees,
  { keepsLinks }: Surroundings,
): Promise<void> {
  // Names that the commit does not know of do not show what is written to others.
  const isPart = drawn.include !== undefined || drawn.exclude !== undefined;
  if (isPart && !keepsLinks) return;
  const comparable = keepsLinks ? withLinks : withoutLinks;
  const wanted = await rehearse(drawn, ordinary);
  expect(comparable(trees.new)).toEqual(wanted && comparable(wanted.new));
}

interface Trees {
  readonly old: TreeLines;
  readonly new: TreeLines;
  readonly calls: readonly DiskCall[];
}

async function rehearse(
  drawn: Scenario,
  { makeRoot, makeDisk }: Surroundings,
): Promise<Trees | undefined> {
  using root = makeRoot((path) => plant(fs, path, seed));
  const { layer, changes } = draft(root.path, drawn);
  layer.close();
  if (changes.changes.length === 0) return undefined;
  const old = readTree(root.path);
  const disk = new FaultDisk(makeDisk());
  await commit(disk, root.path, changes);
  const trees = { old, new: readTree(root.path), calls: [...disk.calls] };
  await undo(openCommitStore(disk, stateDirectoryOf(root.path)), {});
  expect(withoutLinks(readTree(root.path))).toEqual(withoutLinks(old));
  return trees;
}

/** Undo gives each name a file of its own. */
function withoutLinks(tree: TreeLines): [string, string][] {
  return Object.entries(tree)
    .map(([at, line]): [string, string] => [at, line.replace(/ = [^"]*$/, "")])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function draft(root: string, { edits, include, exclude }: Scenario) {
  const layer: Layer = openLayer({ root });
  for (const each of edits) {
    tryEdit(layer.fs as unknown as typeof fs, root, each);
    // Other names of a file are known to a commit when they were looked at; see `docs/fs.md`.
    layer.fs.readdirSync(root, { recursive: true, withFileTypes: true });
  }
  look(layer, root);
  const selection: Selection = {
    ...(include === undefined ? {} : { include }),
    ...(exclude === undefined ? {} : { exclude }),
  };
  return { layer, changes: selectChanges(diffLayer(layer), selection) };
}

function look(layer: Layer, directoryPath: string): void {
  for (const entry of layer.fs.readdirSync(directoryPath, { withFileTypes: true })) {
    const at = `${directoryPath}/${entry.name}`;
    if (entry.isDirectory()) look(layer, at);
    else layer.fs.lstatSync(at);
  }
}

async function commit(disk: Disk, root: string, changes: ChangeSet): Promise<void> {
  await commitChangeSet(openCommitStore(disk, stateDirectoryOf(root)), changes, {});
}

async function disturb(
  drawn: Scenario,
  trees: Trees,
  { at, code, recoveryCalls }: Scenario["disturbances"][number],
  { makeRoot, makeDisk, keepsLinks }: Surroundings,
): Promise<string> {
  using root = makeRoot((path) => plant(fs, path, seed));
  const { layer, changes } = draft(root.path, drawn);
  layer.close();
  const decided = trees.calls.findIndex(isPromotion);
  const points = trees.calls.filter(({ name, index, changes: isChange }) => {
    if (index < decided - 2) return false;
    return code === undefined ? isChange : name !== "close";
  });
  const point = points[Math.floor((at / 1000) * points.length)];
  const fault: Fault = code === undefined ? { kind: "death" } : { kind: "error", code };
  const disk = new FaultDisk(makeDisk(), ({ index }) =>
    index === point?.index ? fault : { kind: "none" },
  );
  const error: unknown = await commit(disk, root.path, changes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const ending = error === undefined ? "committed" : isDraftError(error) ? error.code : "died";
  const where = `${code ?? "death"} at ${point?.index} ${point?.name} ${point?.path}: ${ending}`;
  if (code !== undefined && ending === "committed") expect(readTree(root.path)).toEqual(trees.new);
  if (recoveryCalls !== null) {
    let calls = 0;
    const dying = new FaultDisk(makeDisk(), (call) =>
      call.changes && calls++ === recoveryCalls ? { kind: "death" } : { kind: "none" },
    );
    await recover(dying, root.path).catch(() => undefined);
  }
  await recover(new FaultDisk(makeDisk()), root.path);
  const comparable = keepsLinks ? withLinks : withoutLinks;
  const found = JSON.stringify(comparable(readTree(root.path)));
  const [isOld, isNew] = [trees.old, trees.new].map(
    (tree) => found === JSON.stringify(comparable(tree)),
  );
  expect(isOld || isNew, `${where}: neither the old tree nor the new one: ${found}`).toBe(true);
  return `${ending}, ${isNew ? "new" : "old"}`;
}

function withLinks(tree: TreeLines): [string, string][] {
  return Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1));
}

async function recover(disk: Disk, root: string): Promise<void> {
  await recoverJournal(openCommitStore(disk, stateDirectoryOf(root)), { waitMs: 200 });
}
