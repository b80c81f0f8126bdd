import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { NodeStats } from "../../src/disk/node-stats.ts";
import { ClonedFiles } from "../../src/sandbox/engine/cloned-files.ts";
import { PinnedTree } from "../../src/sandbox/harvest/pinned-tree.ts";
import { treeOf } from "./sandbox-fixture.ts";

type Facts = Partial<Pick<NodeStats, "ino" | "birthtimeNs" | "mtimeNs" | "size">>;

/** Stats of one file, with some of them changed. */
function statsWith(facts: Facts): NodeStats {
  const stats = fs.lstatSync(join(treeOf({ a: "alpha" }), "a"), { bigint: true });
  return Object.assign(stats, { ino: 7n, birthtimeNs: 5n, mtimeNs: 6n, size: 5n, ...facts });
}

test.each<[what: string, cloned: Facts, found: Facts, origin: string | undefined]>([
  ["a file that was written to", {}, { mtimeNs: 9n, size: 9n }, "d/a"],
  ["one that got its number", {}, { birthtimeNs: 9n }, undefined],
  ["one of another number", {}, { ino: 8n }, undefined],
  ["an untouched one without a time of birth", { birthtimeNs: 0n }, { birthtimeNs: 0n }, "d/a"],
  [
    "one without a time of birth that was written to",
    { birthtimeNs: 0n },
    { birthtimeNs: 0n, mtimeNs: 9n },
    undefined,
  ],
  [
    "a longer one without a time of birth",
    { birthtimeNs: 0n },
    { birthtimeNs: 0n, size: 9n },
    undefined,
  ],
])("a file of a copy is told by its number: %s", (_what, cloned, found, origin) => {
  const files = new ClonedFiles();
  files.record("d/a", statsWith(cloned));
  expect(files.originOf(statsWith(found))).toBe(origin);
});

test("what is made right after a copy waits until the clock of the files has moved on", () => {
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const freshFor = (birthtimeNs: bigint): number => {
    const files = new ClonedFiles();
    files.record("a", statsWith({ birthtimeNs }));
    return files.freshForMs();
  };
  expect(freshFor(nowNs - 60_000_000_000n)).toBe(0);
  expect(freshFor(0n)).toBe(0);
  // A clock that was set back is not waited for.
  expect(freshFor(nowNs + 3_600_000_000_000n)).toBe(0);
  expect(new ClonedFiles().freshForMs()).toBe(0);
});

test("both ways of looking at a file tell the same time of birth", () => {
  const root = treeOf({ a: "alpha" });
  const descriptor = fs.openSync(root, "r");
  const birthNs = new PinnedTree(descriptor).lstat("a")?.birthtimeNs;
  fs.closeSync(descriptor);
  expect(birthNs).toBe(fs.lstatSync(join(root, "a"), { bigint: true }).birthtimeNs);
});
