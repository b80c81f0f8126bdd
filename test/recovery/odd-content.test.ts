import { execFileSync } from "node:child_process";
import fs, { linkSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collectGarbage } from "../../src/recovery/collect-garbage.ts";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { expectBytes, noise } from "../objects/store-fixture.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

const hasty = { durability: "none" } as const;
const largeBytes = 9 * 1024 * 1024;

test("content too large for a pack goes back and forth, and is forgotten by gc in time", async () => {
  const versions = [1, 2, 3].map((seed) => Buffer.alloc(largeBytes, noise(997, seed)));
  const path = join(fixture.root, "large");
  for (const bytes of versions) {
    await fixture.commit((overlay, at) => overlay.writeFileSync(at("large"), bytes));
  }
  const holds = (index: number): void => expectBytes(readFileSync(path), versions[index] as Buffer);
  await undo(fixture.store, hasty);
  holds(1);
  await undo(fixture.store, hasty);
  holds(0);
  await redo(fixture.store, hasty);
  holds(1);
  await restore(fixture.store, { checkpoint: "3", ...hasty });
  holds(2);
  await fixture.commit((overlay, at) => overlay.unlinkSync(at("large")));
  await undo(fixture.store, hasty);
  holds(2);
  expect((await verifyStore(fixture.store)).problems).toEqual([]);
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  const packs = fixture.store.objects.packBases().map((base) => lstatSync(`${base}.pack`).size);
  expect(Math.max(...packs)).toBeLessThan(largeBytes / 10);
  await fixture.write({ other: "1" });
  await collectGarbage(fixture.store, { operations: 1 });
  expect(fs.readdirSync(join(fixture.state.path, "large"))).toEqual([]);
  holds(2);
});

test("large content whose kept copy was damaged is refused, and nothing is touched", async () => {
  const bytes = Buffer.alloc(largeBytes, noise(997, 1));
  await fixture.commit((overlay, at) => overlay.writeFileSync(at("large"), bytes));
  await fixture.write({ large: "small now" });
  const directory = join(fixture.state.path, "large");
  const [name] = fs.readdirSync(directory);
  fs.truncateSync(join(directory, name as string), largeBytes - 1);
  expect((await verifyStore(fixture.store)).isSound).toBe(false);
  await expect(undo(fixture.store)).rejects.toMatchObject({ code: "DRAFT_CHECKPOINT_MISSING" });
  fs.truncateSync(join(directory, name as string), largeBytes);
  await expect(undo(fixture.store)).rejects.toMatchObject({ code: "DRAFT_STORE_CORRUPT" });
  expect(fixture.read("large")).toBe("small now");
});

test("two names of one file stay one file through a change and its undo", async () => {
  writeFileSync(join(fixture.root, "one"), "old");
  linkSync(join(fixture.root, "one"), join(fixture.root, "two"));
  await fixture.commit((overlay, at) => overlay.writeFileSync(at("one"), "new"));
  expect(fixture.read("two")).toBe("new");
  await undo(fixture.store, hasty);
  expect([fixture.read("one"), fixture.read("two")]).toEqual(["old", "old"]);
  expect(lstatSync(join(fixture.root, "one")).nlink).toBe(2);
});

test("names that are not UTF-8, and names that git refuses, go back", async () => {
  const bytes = (text: string): Buffer =>
    Buffer.concat([Buffer.from(`${fixture.root}/`), Buffer.from(text, "latin1")]);
  fs.mkdirSync(bytes("d\xe9j\xe0"));
  fs.writeFileSync(bytes("d\xe9j\xe0/vu\xff"), "old");
  fs.mkdirSync(bytes("sub/.git"), { recursive: true });
  fs.writeFileSync(bytes("sub/.git/config"), "old");
  fs.writeFileSync(bytes("new\nline"), "old");
  const before = namesIn(fixture.root);
  await fixture.commit((overlay, at) => {
    overlay.writeFileSync(bytes("d\xe9j\xe0/vu\xff"), "changed");
    overlay.renameSync(bytes("d\xe9j\xe0"), bytes("d\xe8j\xe8"));
    overlay.unlinkSync(at("sub/.git/config"));
    overlay.renameSync(at("new\nline"), at("other\tname"));
  });
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  await undo(fixture.store, hasty);
  expect(namesIn(fixture.root)).toEqual(before);
  expect(fs.readFileSync(bytes("d\xe9j\xe0/vu\xff"), "utf8")).toBe("old");
});

/** Every file of a tree, as bytes in a string. */
function namesIn(root: string): string[] {
  const filter = ["-type", "f", "-not", "-path", "*/.draftfs/*", "-printf", "%P %s\\0"];
  return execFileSync("find", [root, ...filter])
    .toString("latin1")
    .split("\0")
    .sort();
}

test("times before 1970 and after 2106 are set as given, and come back", async () => {
  const timesOf = (): bigint[] =>
    ["early", "late"].map((name) => lstatSync(join(fixture.root, name), { bigint: true }).mtimeNs);
  for (const name of ["early", "late"]) writeFileSync(join(fixture.root, name), "old");
  fs.utimesSync(join(fixture.root, "early"), new Date(-100_500), new Date(-100_500));
  fs.utimesSync(join(fixture.root, "late"), 5e9, 5e9 + 0.25);
  const before = timesOf();
  expect(before).toEqual([-100_500_000_000n, 5_000_000_000_250_000_000n]);
  await fixture.commit((overlay, at) => {
    overlay.writeFileSync(at("early"), "new");
    overlay.utimesSync(at("early"), new Date(-7_250), new Date(-7_250));
    overlay.writeFileSync(at("late"), "new");
    overlay.utimesSync(at("late"), 6e9, 6e9);
  });
  expect(timesOf()).toEqual([-7_250_000_000n, 6_000_000_000_000_000_000n]);
  await undo(fixture.store, hasty);
  expect(timesOf()).toEqual(before);
});

test("times come back to the microsecond, also of what is not written anew", async () => {
  const names = ["large", "linked", "other", "directory"];
  const timesOf = (): bigint[] =>
    names.map((name) => lstatSync(join(fixture.root, name), { bigint: true }).mtimeNs / 1000n);
  writeFileSync(join(fixture.root, "large"), "");
  fs.truncateSync(join(fixture.root, "large"), largeBytes);
  writeFileSync(join(fixture.root, "linked"), "old");
  linkSync(join(fixture.root, "linked"), join(fixture.root, "other"));
  fs.mkdirSync(join(fixture.root, "directory"));
  for (let microsecond = 688_868; microsecond < 688_888; microsecond++) {
    // Amid the microsecond, so that what is cut off on the way to the disk does not matter.
    const time = 1_795_961_802 + (microsecond + 0.4) / 1e6;
    for (const name of names) fs.utimesSync(join(fixture.root, name), time, time);
    const before = timesOf();
    await fixture.commit((overlay, at) => {
      for (const name of names) overlay.utimesSync(at(name), 1, 1);
      overlay.writeFileSync(at("linked"), "new");
    });
    await undo(fixture.store, hasty);
    expect(timesOf()).toEqual(before);
  }
});
