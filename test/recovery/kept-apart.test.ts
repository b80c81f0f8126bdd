import fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commitChangeSet } from "../../src/commit/commit.ts";
import { packedContentBytesMax } from "../../src/limits.ts";
import { undo } from "../../src/recovery/take-back.ts";
import { verifyStore } from "../../src/recovery/verify-store.ts";
import { ChangeBuilder } from "../commit/change-builder.ts";
import { expectBytes } from "../objects/store-fixture.ts";
import { type DiskCall, FaultDisk } from "../support/fault-disk.ts";
import { HastyDisk, HistoryFixture } from "./history-fixture.ts";

// pnpm/pnpm#3445, #4382, #14173, prebuild/prebuild-install#192: bytes that a store keeps by a second
// name of a file are changed by whoever writes to the file in place.

const old = Buffer.alloc(packedContentBytesMax + 4096, "old ");
const hasty = { durability: "none" } as const;

let fixture: HistoryFixture;
beforeEach(() => {
  fixture = new HistoryFixture();
});
afterEach(() => fixture.dispose());

const at = (path: string): string => join(fixture.root, path);
const read = (path: string): Buffer => fs.readFileSync(at(path));
const kept = (): fs.Stats[] => {
  const directory = join(fixture.state.path, "large");
  return fs.readdirSync(directory).map((name) => fs.statSync(join(directory, name)));
};

/** Writes in place, as editors of databases, archives and disk images do. */
function scribble(path: string): void {
  const descriptor = fs.openSync(path, "r+");
  fs.writeSync(descriptor, "XXXX");
  fs.closeSync(descriptor);
}

type Change = Parameters<HistoryFixture["commit"]>[0];

test.each<[string, Change]>([
  ["is removed", (overlay, place) => overlay.unlinkSync(place("one"))],
  ["is moved over", (overlay, place) => overlay.renameSync(place("small"), place("one"))],
  [
    "becomes a name of another file",
    (overlay, place) => {
      overlay.unlinkSync(place("one"));
      overlay.linkSync(place("small"), place("one"));
    },
  ],
])(
  "pnpm/pnpm#3445: of a large file of two names, one %s, and the other is written to",
  async (_, change) => {
    fs.writeFileSync(at("one"), old);
    fs.linkSync(at("one"), at("two"));
    fs.writeFileSync(at("small"), "small");
    await fixture.commit(change);
    scribble(at("two"));
    expect((await verifyStore(fixture.store)).problems).toEqual([]);
    await undo(fixture.store, hasty);
    expectBytes(read("one"), old);
  },
);

test("a large file all of whose names go is kept as it is, without a copy", async () => {
  fs.mkdirSync(at("d"));
  fs.writeFileSync(at("d/one"), old);
  fs.linkSync(at("d/one"), at("d/two"));
  const { ino } = fs.statSync(at("d/one"));
  await fixture.commit((overlay, place) => overlay.rmSync(place("d"), { recursive: true }));
  expect(kept()).toMatchObject([{ ino, nlink: 1 }]);
  await undo(fixture.store, hasty);
  expectBytes(read("d/two"), old);
});

test("what lies where bytes are kept is looked at before it is relied on", async () => {
  fs.writeFileSync(at("one"), old);
  await fixture.write({ one: "small" });
  const [name] = fs.readdirSync(join(fixture.state.path, "large"));
  scribble(join(fixture.state.path, "large", name as string));
  fs.writeFileSync(at("one"), old);
  await fixture.write({ one: "small" });
  await undo(fixture.store, hasty);
  expectBytes(read("one"), old);
});

const failures: readonly [string, (call: DiskCall) => ReturnType<typeof refuse> | undefined][] = [
  ["is taken back", ({ name, path }) => refuse(name === "mkdir" && path?.endsWith("/z") === true)],
  [
    "meets a conflict at the last look",
    ({ name, path }) => {
      if (name === "link" && path?.includes("/large/") === true)
        fs.writeFileSync(at("a"), "theirs");
      return undefined;
    },
  ],
];

function refuse(isRefused: boolean) {
  return isRefused ? ({ kind: "error", code: "EBUSY" } as const) : undefined;
}

test.each(failures)("a commit that %s leaves a large file with its one name", async (_, fault) => {
  fs.writeFileSync(at("one"), old);
  fs.writeFileSync(at("a"), "a");
  const changes = new ChangeBuilder(fixture.root).write("one", "new").write("a", "ours");
  const disk = new FaultDisk(new HastyDisk(), (call) => fault(call) ?? { kind: "none" });
  const store = fixture.reopen(disk);
  await expect(commitChangeSet(store, changes.createDirectory("z").build())).rejects.toThrow();
  expectBytes(read("one"), old);
  expect(fs.statSync(at("one")).nlink).toBe(1);
  expect(kept()).toEqual([]);
  scribble(at("one"));
  fs.unlinkSync(at("one"));
  fs.writeFileSync(at("one"), old);
  await fixture.write({ one: "small" });
  await undo(fixture.reopen(), hasty);
  expectBytes(read("one"), old);
});
