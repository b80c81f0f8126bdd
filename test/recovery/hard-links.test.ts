import { linkSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { codeOf } from "../crash/commit-faults.ts";
import { type DiskCall, FaultDisk } from "../support/fault-disk.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
  for (const name of ["one", "other"]) fixture.edit(name, name);
  linkSync(join(fixture.root, "one"), join(fixture.root, "one again"));
});
afterEach(() => fixture.dispose());

const hasty = { durability: "none" } as const;
const contents = (): string[] => ["one", "one again", "other"].map((name) => fixture.read(name));

/** Makes of `other` one more name of the file that is `one` and `one again`. */
async function linkOver(): Promise<void> {
  await fixture.commit((fs, at) => {
    fs.lstatSync(at("one again"));
    fs.unlinkSync(at("other"));
    fs.linkSync(at("one"), at("other"));
  });
  expect(contents()).toEqual(["one", "one", "one"]);
  expect(statSync(join(fixture.root, "other")).nlink).toBe(3);
}

test("undo of a link in place of a file leaves the other names alone", async () => {
  await linkOver();
  await undo(fixture.store, hasty);
  expect(contents()).toEqual(["one", "one", "other"]);
  await redo(fixture.store, hasty);
  expect(contents()).toEqual(["one", "one", "one"]);
  await restore(fixture.store, { checkpoint: "2", ...hasty });
  expect(contents()).toEqual(["one", "one", "other"]);
});

test("undo of one name moved over a file leaves the other name alone", async () => {
  await fixture.commit((fs, at) => {
    fs.chmodSync(at("one again"), 0o644);
    fs.renameSync(at("one"), at("other"));
    fs.writeFileSync(at("one"), "new");
  });
  expect(contents()).toEqual(["new", "one", "one"]);
  await undo(fixture.store, hasty);
  expect(contents()).toEqual(["one", "one", "other"]);
});

test("undo of one new file in place of two gives each of them its own bytes", async () => {
  await fixture.commit((fs, at) => {
    for (const name of ["one again", "other"]) fs.unlinkSync(at(name));
    fs.writeFileSync(at("new"), "new");
    for (const name of ["one again", "other"]) fs.linkSync(at("new"), at(name));
  });
  expect(contents()).toEqual(["one", "new", "new"]);
  await undo(fixture.store, hasty);
  expect(contents()).toEqual(["one", "one", "other"]);
});

test("undo of bytes written under one name brings the old ones back under all", async () => {
  await fixture.commit((fs, at) => fs.appendFileSync(at("one again"), "!"));
  expect(contents()).toEqual(["one!", "one!", "other"]);
  await undo(fixture.store, hasty);
  expect(contents()).toEqual(["one", "one", "other"]);
  expect(statSync(join(fixture.root, "one")).nlink).toBe(2);
});

test("undo of writing to a file that has moved away from its other name", async () => {
  fixture.edit("one", "more than one");
  await fixture.commit((fs, at) => {
    for (const name of ["one", "one again"]) fs.lstatSync(at(name));
    fs.renameSync(at("one"), at("moved"));
    fs.writeFileSync(at("moved"), "new");
    fs.lstatSync(at("one again"));
  });
  expect([fixture.read("moved"), fixture.read("one again")]).toEqual(["new", "new"]);
  await undo(fixture.store, hasty);
  expect(contents()).toEqual(["more than one", "more than one", "other"]);
});

/**
 * Lets one call after another fail that `isPoint` chooses, each in a commit of its own, until one
 * commit meets none: those that failed have changed nothing.
 */
async function failAtEach(
  isPoint: (call: DiskCall) => boolean,
  change: Parameters<HistoryFixture["commit"]>[0],
): Promise<void> {
  const before = fixture.snapshot();
  const ends: unknown[] = [];
  for (let nth = 0; !ends.includes("committed"); nth++) {
    let calls = 0;
    const disk = new FaultDisk(new NodeDisk(), (call) =>
      isPoint(call) && calls++ === nth ? { kind: "error", code: "EIO" } : { kind: "none" },
    );
    fixture.reopen(disk);
    const end = await fixture.commit(change).then(
      () => "committed",
      (error: unknown) => codeOf(error),
    );
    ends.push(end);
    if (end !== "committed") expect(fixture.snapshot()).toEqual(before);
  }
  expect(ends).toContain("DRAFT_COMMIT_FAILED");
}

test("a file of several names that fails half-written gets its old bytes back", async () => {
  fixture.edit("one", "more than one");
  await failAtEach(
    ({ name }) => ["read", "write", "truncate"].includes(name),
    (fs, at) => fs.writeFileSync(at("one"), "shorter"),
  );
  expect(contents()).toEqual(["shorter", "shorter", "other"]);
});

test("a new name in place of a file that moves is taken away again when the commit fails", async () => {
  await failAtEach(
    ({ changes }) => changes,
    (fs, at) => {
      fs.renameSync(at("one again"), at("moved"));
      fs.appendFileSync(at("one"), " and more");
      fs.linkSync(at("other"), at("one again"));
    },
  );
  expect(["one", "moved", "one again"].map((name) => fixture.read(name))).toEqual([
    ...["one and more", "one and more", "other"],
  ]);
});
