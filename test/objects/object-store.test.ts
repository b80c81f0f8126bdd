import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DiskEntry } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { encodeCommit } from "../../src/objects/commit-object.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import type { PackBuilder } from "../../src/objects/pack-builder.ts";
import { encodeTree, parseTree } from "../../src/objects/tree.ts";
import { updateTree } from "../../src/objects/update-tree.ts";
import { expectBytes, noise, StoreFixture } from "./store-fixture.ts";

let fixture: StoreFixture;
beforeEach(() => {
  fixture = new StoreFixture();
});
afterEach(() => fixture.dispose());

const author = { name: "A U Thor", email: "a@example.org", timeMs: 1_700_000_000_000 };

function addCommit(pack: PackBuilder, tree: string, parents: string[], message: string): string {
  return pack.add("commit", encodeCommit({ tree, parents, author, committer: author, message }));
}

/** Two commits on main: twenty files, then three of them changed and one deleted. */
function fillStore(): { first: string; second: string; blobs: Map<string, Buffer> } {
  const blobs = new Map<string, Buffer>();
  const add = (pack: PackBuilder, bytes: Buffer): { mode: "100644"; oid: string } => {
    const oid = pack.add("blob", bytes);
    blobs.set(oid, bytes);
    return { mode: "100644", oid };
  };
  const [first, tree] = fixture.install((pack) => {
    const edits = Array.from({ length: 20 }, (_, index) => ({
      path: `source/part-${index % 3}/file ${index}.ts`,
      entry: add(pack, noise(5000 * index, index)),
    }));
    const root = updateTree(fixture.store, pack, undefined, edits);
    return [addCommit(pack, root, [], "first"), root];
  });
  const second = fixture.install((pack) => {
    const root = updateTree(fixture.store, pack, tree, [
      { path: "source/part-0/file 0.ts", entry: add(pack, noise(100, 100)) },
      { path: "source/part-1/file 1.ts", entry: add(pack, noise(2_000_000, 101)) },
      { path: "README.md", entry: add(pack, Buffer.from("# Title\n")) },
      { path: "source/part-2/file 2.ts", entry: undefined },
    ]);
    return addCommit(pack, root, [first], "second\n\nWith a body.");
  });
  fixture.store.updateRef("refs/heads/main", second);
  return { first, second, blobs };
}

/** Takes note of the files that are read whole. */
class WatchedDisk extends NodeDisk {
  readonly files: string[] = [];

  listings = 0;
  opened = 0;

  override open(...given: Parameters<NodeDisk["open"]>): number {
    this.opened += 1;
    return super.open(...given);
  }

  override readdir(path: string): DiskEntry[] {
    if (path.endsWith("/pack")) this.listings += 1;
    return super.readdir(path);
  }

  override readFile(path: string): Buffer {
    this.files.push(path);
    return super.readFile(path);
  }
}

test("reads an index once, however often it looks again at what packs there are", () => {
  const { first, second } = fillStore();
  const disk = new WatchedDisk();
  const store = new ObjectStore(disk, fixture.store.path);
  for (let round = 0; round < 3; round++) {
    expect([first, second].every((oid) => store.has(oid))).toBe(true);
    store.refresh();
  }
  const third = fixture.install((pack) => pack.add("blob", Buffer.from("a later one")));
  expect(store.has(third)).toBe(true);
  const indexes = disk.files.filter((path) => path.endsWith(".idx"));
  expect(indexes).toHaveLength(3);
  expect(new Set(indexes).size).toBe(3);
});

test("keeps the trees and commits of the last operation for the next one, its bytes not", () => {
  const { path, summary, result } = fixture.build((pack) => {
    const blob = pack.add("blob", Buffer.from("content"));
    const tree = pack.add("tree", encodeTree(new Map([["name", { mode: "100644", oid: blob }]])));
    return { blob, tree };
  });
  const disk = new WatchedDisk();
  const store = new ObjectStore(disk, fixture.store.path);
  store.installPack(path, summary);
  const { opened } = disk;
  expect(parseTree(store.read(result.tree).bytes).get("name")?.oid).toBe(result.blob);
  expect(disk.opened).toBe(opened);
  expect(store.read(result.blob).bytes.toString()).toBe("content");
  expect(disk.opened).toBe(opened + 1);
  store.close();
  expect(store.read(result.tree).kind).toBe("tree");
  expect(disk.opened).toBe(opened + 2);
  store.close();
});

test("looks at the packs again only when there are others, and whenever something is missed", () => {
  const { first, second } = fillStore();
  const disk = new WatchedDisk();
  const store = new ObjectStore(disk, fixture.store.path);
  expect([first, second].every((oid) => store.has(oid))).toBe(true);
  store.refreshIfChanged();
  expect(disk.listings).toBe(1);
  const third = fixture.install((pack) => pack.add("blob", Buffer.from("a later one")));
  // As if it had come within the same tick of the clock.
  expect(store.read(third).bytes.toString()).toBe("a later one");
  expect(disk.listings).toBe(2);
  const fourth = fixture.install((pack) => pack.add("blob", Buffer.from("an even later one")));
  const packs = join(fixture.store.path, "objects", "pack");
  utimesSync(packs, new Date(), new Date(Date.now() + 60_000));
  store.refreshIfChanged();
  expect(store.has(fourth)).toBe(true);
  expect(disk.listings).toBe(3);
  store.close();
});

test("git accepts the store as a repository and reads every byte back", () => {
  const { first, second, blobs } = fillStore();
  expect(fixture.git("fsck", "--full", "--strict")).toBe("");
  expect(fixture.git("rev-parse", "main").trim()).toBe(second);
  expect(fixture.git("log", "--format=%H %s", "main")).toBe(`${second} second\n${first} first\n`);
  expect(fixture.git("diff", "--name-status", first, second)).toBe(
    "A\tREADME.md\nM\tsource/part-0/file 0.ts\nM\tsource/part-1/file 1.ts\n" +
      "D\tsource/part-2/file 2.ts\n",
  );
  for (const [oid, bytes] of blobs) expectBytes(fixture.gitBytes("cat-file", "blob", oid), bytes);
  for (const name of readdirSync(join(fixture.path, "objects/pack"))) {
    if (name.endsWith(".idx")) fixture.git("verify-pack", join(fixture.path, "objects/pack", name));
  }
});

test("what git indexes itself is the same index, byte for byte", () => {
  fillStore();
  const packs = join(fixture.path, "objects/pack");
  for (const name of readdirSync(packs).filter((each) => each.endsWith(".pack"))) {
    fixture.git("index-pack", "-o", join(fixture.directory, "other.idx"), join(packs, name));
    const ours = readFileSync(join(packs, name.replace(/pack$/, "idx")));
    expect(readFileSync(join(fixture.directory, "other.idx"))).toEqual(ours);
  }
});

test("the store reads its own objects, and only those", () => {
  const { first, second, blobs } = fillStore();
  const store = new ObjectStore(fixture.disk, fixture.path);
  for (const [oid, bytes] of blobs) expectBytes(store.read(oid).bytes, bytes);
  expect(store.read(first).kind).toBe("commit");
  expect(store.readRef("refs/heads/main")).toBe(second);
  expect(store.has("0".repeat(40))).toBe(false);
  expect(() => store.read("0".repeat(40))).toThrow(
    expect.objectContaining({ code: "DRAFT_CHECKPOINT_MISSING" }),
  );
  store.close();
});

test("a store that git has repacked with deltas, or unpacked, is read all the same", () => {
  const { second, blobs } = fillStore();
  const similar = noise(20_000, 5);
  const variants = Array.from({ length: 12 }, (_, index) => {
    const bytes = Buffer.from(similar);
    bytes.write(`variant ${index}`, index * 1000);
    return bytes;
  });
  fixture.install((pack) => {
    const edits = variants.map((bytes, index) => {
      const oid = pack.add("blob", bytes);
      blobs.set(oid, bytes);
      return { path: `similar/${index}`, entry: { mode: "100644" as const, oid } };
    });
    const root = updateTree(fixture.store, pack, undefined, edits);
    fixture.store.updateRef("refs/heads/main", addCommit(pack, root, [second], "third"));
  });
  fixture.git("gc", "-q", "--aggressive", "--prune=now");
  expect(fixture.git("count-objects", "-v")).toMatch(/packs: 1\n/);
  let store = new ObjectStore(fixture.disk, fixture.path);
  expect(store.readRef("refs/heads/main")).toBe(fixture.git("rev-parse", "main").trim());
  for (const [oid, bytes] of blobs) expectBytes(store.read(oid).bytes, bytes);
  const [base] = store.packBases();
  const index = readFileSync(`${base}.idx`);
  expect(index).toEqual(rebuiltIndex(base as string));
  store.close();
  const pack = readFileSync(`${base}.pack`);
  mkdirSync(join(fixture.directory, "away"));
  unpackEverything(pack);
  store = new ObjectStore(fixture.disk, fixture.path);
  for (const [oid, bytes] of blobs) expectBytes(store.read(oid).bytes, bytes);
  store.close();
});

test("a lost or torn index does not hide the objects of its pack", () => {
  const { blobs } = fillStore();
  for (const base of fixture.store.packBases()) {
    const bytes = readFileSync(`${base}.idx`);
    const damages = [Buffer.alloc(0), bytes.subarray(0, 900), flipped(bytes, 1100)];
    for (const damage of damages) {
      fixture.disk.chmod(`${base}.idx`, 0o644);
      writeFileSync(`${base}.idx`, damage);
      const store = new ObjectStore(fixture.disk, fixture.path);
      for (const [oid, content] of blobs) expectBytes(store.read(oid).bytes, content);
      store.close();
    }
  }
});

test("installing a pack twice, or over debris of a crash, leaves one sound pack", () => {
  const { path, summary } = fixture.build((pack) => pack.add("blob", noise(5000, 1)));
  const base = join(fixture.path, "objects/pack", `pack-${summary.checksum}`);
  fixture.store.installPack(path, summary);
  fixture.store.installPack(path, summary);
  fixture.disk.unlink(`${base}.pack`);
  writeFileSync(`${base}.pack`, "");
  fixture.disk.chmod(`${base}.idx`, 0o644);
  writeFileSync(`${base}.idx`, "");
  fixture.store.installPack(path);
  fixture.git("verify-pack", `${base}.idx`);
  expect(statSync(`${base}.pack`).ino).toBe(statSync(path).ino);
  expect(readdirSync(join(fixture.path, "objects/pack"))).toHaveLength(2);
});

test("an object whose bytes were changed on the disk is refused, never returned", () => {
  const { blobs } = fillStore();
  const [oid, bytes] = [...blobs].find(([, content]) => content.length === 15_000) ?? [];
  for (const base of fixture.store.packBases()) {
    const pack = readFileSync(`${base}.pack`);
    const at = pack.indexOf((bytes as Buffer).subarray(500, 600));
    if (at < 0) continue;
    fixture.disk.chmod(`${base}.pack`, 0o644);
    writeFileSync(`${base}.pack`, flipped(pack, at));
  }
  const store = new ObjectStore(fixture.disk, fixture.path);
  expect(() => store.read(oid as string)).toThrow(
    expect.objectContaining({ code: "DRAFT_STORE_CORRUPT" }),
  );
  store.close();
});

// pingdotgg/t3code#10905.
test("a torn ref reads as absent", () => {
  const { second } = fillStore();
  writeFileSync(join(fixture.path, "refs/heads/main"), "");
  expect(fixture.store.readRef("refs/heads/main")).toBeUndefined();
  fixture.store.updateRef("refs/heads/main", second);
  expect(fixture.git("rev-parse", "main").trim()).toBe(second);
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 4;
  return copy;
}

/** The index that our own scan makes of a pack, by way of a lost index. */
function rebuiltIndex(base: string): Buffer {
  const copy = join(fixture.directory, "rebuilt.git");
  const store = new ObjectStore(fixture.disk, copy);
  store.installPack(`${base}.pack`);
  const [rebuilt] = store.packBases();
  store.close();
  return readFileSync(`${rebuilt}.idx`);
}

function unpackEverything(pack: Buffer): void {
  for (const name of readdirSync(join(fixture.path, "objects/pack"))) {
    fixture.disk.rename(
      join(fixture.path, "objects/pack", name),
      join(fixture.directory, "away", name),
    );
  }
  fixture.unpack(pack);
}

test("a pack that git takes away between the listing and the look at it is passed over", () => {
  const { second } = fillStore();
  class ForgetfulDisk extends NodeDisk {
    override readdir(path: string): DiskEntry[] {
      const entries = super.readdir(path);
      if (!path.endsWith("objects/pack")) return entries;
      return [...entries, { name: "pack-0123.pack", kind: "file" }];
    }
  }
  const store = new ObjectStore(new ForgetfulDisk(), fixture.store.path);
  expect(store.has(second)).toBe(true);
  expect(store.has("0".repeat(40))).toBe(false);
  expect(store.read(second).kind).toBe("commit");
  store.close();
});
