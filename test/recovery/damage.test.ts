import {
  chmodSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkpoints } from "../../src/commit/checkpoint/operation-log.ts";
import { openFlags } from "../../src/disk/open-flags.ts";
import { scanPack } from "../../src/objects/pack-scan.ts";
import { collectGarbage } from "../../src/recovery/collect-garbage.ts";
import { repairStore } from "../../src/recovery/repair-store.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

/** Every file of the store, and whether it is derived from others. */
function storeFiles(): { path: string; isDerived: boolean }[] {
  const files = readdirSync(fixture.state.checkpoints, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files.sort().map((path) => ({ path, isDerived: !path.endsWith(".pack") }));
}

const damages: Record<string, (bytes: Buffer) => Buffer | undefined> = {
  removed: () => undefined,
  emptied: () => Buffer.alloc(0),
  truncated: (bytes) => bytes.subarray(0, bytes.length >> 1),
  "filled with NUL": (bytes) => Buffer.alloc(bytes.length),
  "bit-flipped": (bytes) => {
    const copy = Buffer.from(bytes);
    const middle = copy.length >> 1;
    copy[middle] = (copy[middle] as number) ^ 1;
    return copy;
  },
};

/** Damage that nothing can tell from what a user may have written there. */
const undetectable = new Set(["HEAD bit-flipped", "config bit-flipped", "config truncated"]);

async function makeHistory(): Promise<void> {
  for (let index = 0; index < 5; index++)
    await fixture.write({ a: `${index}`, [`b${index}`]: "b" });
  await collectGarbage(fixture.store, { operations: 3 });
  await fixture.write({ a: "last" });
  // As after a settled journal: nothing of the store lies there any more.
  fixture.store.journal.notes.write("settled", fixture.store.journal.sequence(), "");
}

async function logOf(): Promise<number[]> {
  return [...checkpoints(fixture.store.objects)].map(({ manifest }) => manifest.sequence);
}

test("whatever derived file of the store is torn, repair brings all of it back", async () => {
  await makeHistory();
  const log = await logOf();
  const tried: string[] = [];
  const sound = join(fixture.root, ".draftfs", "sound.git");
  cpSync(fixture.state.checkpoints, sound, { recursive: true });
  for (const { path, isDerived } of storeFiles()) {
    if (!isDerived) continue;
    for (const [name, damage] of Object.entries(damages)) {
      const what = `${path.slice(fixture.state.checkpoints.length + 1)} ${name}`;
      const bytes = damage(readFileSync(path));
      chmodSync(path, 0o644);
      if (bytes === undefined) rmSync(path);
      else writeFileSync(path, bytes);
      fixture.reopen();
      if (!undetectable.has(what)) {
        await repairStore(fixture.store);
        if (name === "emptied") expect(fixture.git("fsck", "--full", "--strict"), what).toBe("");
        expect(await logOf(), what).toEqual(log);
        expect((await verifyStore(fixture.store)).problems, what).toEqual([]);
        tried.push(what);
      }
      rmSync(fixture.state.checkpoints, { recursive: true });
      cpSync(sound, fixture.state.checkpoints, { recursive: true });
    }
  }
  console.log(`${tried.length} damages repaired`);
  expect(tried.length).toBeGreaterThan(25);
});

test("a damaged pack is found, whatever the damage, and undo stops rather than guess", async () => {
  await makeHistory();
  const before = fixture.snapshot();
  const [newest] = fixture.store.objects
    .packBases()
    .sort((x, y) => statSync(`${y}.pack`).mtimeMs - statSync(`${x}.pack`).mtimeMs);
  const path = `${newest}.pack`;
  const bytes = readFileSync(path);
  chmodSync(path, 0o644);
  for (const [name, damage] of Object.entries(damages)) {
    const damaged = damage(bytes);
    if (damaged === undefined) continue;
    writeFileSync(path, damaged);
    fixture.reopen();
    const report = await verifyStore(fixture.store);
    expect(report.isSound, name).toBe(false);
    expect(report.problems[0], name).toMatchObject({ kind: "pack", name: path });
    if (name === "bit-flipped") continue;
    await expect(undo(fixture.store)).rejects.toMatchObject({
      code: expect.stringMatching(/^DRAFT_(STORE_CORRUPT|CHECKPOINT_MISSING)$/),
    });
    expect(fixture.snapshot()).toEqual(before);
  }
});

test("every single flipped byte of a pack is found", async () => {
  await fixture.write({ a: "some content", b: "other" });
  const [base] = fixture.store.objects.packBases();
  const path = `${base}.pack`;
  const bytes = readFileSync(path);
  const { disk } = fixture.store;
  chmodSync(path, 0o644);
  const descriptor = disk.open(path, openFlags.update);
  const missed: number[] = [];
  for (const [at, byte] of bytes.entries()) {
    disk.write(descriptor, Buffer.of(byte ^ 0x10), at);
    try {
      scanPack(disk, path, expect.fail);
      missed.push(at);
    } catch (error) {
      expect(error).toMatchObject({ code: "DRAFT_STORE_CORRUPT" });
    }
    disk.write(descriptor, Buffer.of(byte), at);
  }
  disk.close(descriptor);
  expect(missed).toEqual([]);
  scanPack(disk, path, expect.fail);
});

test("refs are found again without the journal, and not those of an operation taken back", async () => {
  await makeHistory();
  const log = await logOf();
  rmSync(fixture.state.journalCurrent);
  rmSync(join(fixture.state.checkpoints, "refs"), { recursive: true });
  fixture.reopen();
  const report = await repairStore(fixture.store);
  expect(report.refs).toEqual(["refs/heads/main", "refs/draftfs/operations"]);
  expect(await logOf()).toEqual(log);
});

test("numbers go on where the journal was moved away, and refs are found by them", async () => {
  await makeHistory();
  rmSync(fixture.state.journal, { recursive: true });
  fixture.reopen();
  await fixture.write({ after: "1" }, "after");
  await fixture.write({ after: "2" }, "after that");
  const log = await logOf();
  expect(log).toEqual([8, 7, 6, 5, 4, 3]);
  rmSync(fixture.state.journal, { recursive: true });
  rmSync(join(fixture.state.checkpoints, "refs"), { recursive: true });
  fixture.reopen();
  await repairStore(fixture.store);
  expect(await logOf()).toEqual(log);
});

test("verify says how much it has looked at, and repair of a sound store does nothing", async () => {
  await makeHistory();
  const report = await verifyStore(fixture.store);
  expect(report).toMatchObject({ isSound: true, problems: [], packs: 2, operations: 4 });
  expect(report.objects).toBeGreaterThan(20);
  expect(await repairStore(fixture.store)).toEqual({ indexes: [], refs: [], shallow: false });
});

test("a store that was never made is sound and needs no repair", async () => {
  expect(await verifyStore(fixture.store)).toMatchObject({ isSound: true, packs: 0 });
  expect(await repairStore(fixture.store)).toEqual({ indexes: [], refs: [], shallow: false });
});
