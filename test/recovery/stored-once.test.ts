import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { redo, restore, undo } from "../../src/recovery/take-back.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { FaultDisk } from "../support/fault-disk.ts";
import { HistoryFixture } from "./history-fixture.ts";

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

/** A text that does not compress, so that its copies count. */
function text(): string {
  return randomBytes(30_000).toString("base64");
}

/** How many blobs of files are in the packs together, each as often as it is there. */
function blobsInPacks(): number {
  const lines = fixture.store.objects.packBases().map((base) => {
    return fixture.git("verify-pack", "-v", `${base}.idx`).split("\n");
  });
  const isFile = (line: string) => {
    const [, kind, size] = line.split(/\s+/);
    return kind === "blob" && Number(size) === 40_000;
  };
  return lines.flat().filter(isFile).length;
}

test("a content is stored once, however often it is replaced, undone, redone and restored", async () => {
  fixture.edit("a", text());
  fixture.edit("directory/b", text());
  const [a, b] = [text(), text()];
  const first = await fixture.write({ a, "directory/b": b });
  // The two that lay there, and the two that are new.
  expect(blobsInPacks()).toBe(4);
  const start = fixture.snapshot();
  await fixture.write({ a: text(), "directory/b": text() });
  expect(blobsInPacks()).toBe(6);
  await fixture.write({ a: undefined, "directory/b": text() });
  expect(blobsInPacks()).toBe(7);
  const end = fixture.snapshot();
  await undo(fixture.store, { count: 2 });
  expect(fixture.snapshot()).toEqual(start);
  await redo(fixture.store, {});
  expect(fixture.snapshot()).toEqual(end);
  await restore(fixture.store, { checkpoint: first.operation });
  expect(fixture.read("a")).toBe(a);
  expect(fixture.read("directory/b")).toBe(b);
  expect(blobsInPacks()).toBe(7);
  fixture.git("fsck", "--strict", "--full");
  expect((await verifyStore(fixture.store)).problems).toEqual([]);
});

test("what somebody else has written meanwhile is stored before it is replaced", async () => {
  await fixture.write({ a: text() });
  const theirs = text();
  fixture.edit("a", theirs);
  await fixture.write({ a: text() });
  expect(blobsInPacks()).toBe(3);
  await undo(fixture.store, {});
  expect(fixture.read("a")).toBe(theirs);
});

test("what another process has stored counts", async () => {
  const a = text();
  await fixture.write({ a });
  fixture.reopen();
  await fixture.write({ a: text() });
  expect(blobsInPacks()).toBe(2);
  await undo(fixture.reopen(), {});
  expect(fixture.read("a")).toBe(a);
});

test("a commit that fails puts back what its own pack does not hold", async () => {
  await fixture.write({ a: text(), b: text() });
  const before = fixture.snapshot();
  let failures = 0;
  const failing = new FaultDisk(new NodeDisk(), ({ name, path }) => {
    if (failures > 0 || name !== "rename" || path?.endsWith("/b") !== true) return { kind: "none" };
    failures += 1;
    return { kind: "error", code: "EIO" };
  });
  fixture.reopen(failing);
  await expect(fixture.write({ a: text(), b: text() })).rejects.toMatchObject({
    code: "DRAFT_COMMIT_FAILED",
  });
  expect(failures).toBe(1);
  fixture.reopen();
  expect(fixture.snapshot()).toEqual(before);
});
