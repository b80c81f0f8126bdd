import fs from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { backgroundBytesMax } from "../../src/limits.ts";
import { TemporaryRoot } from "../commit/scenario.ts";
import { CompiledProject } from "../support/compiled-project.ts";

type Background = typeof import("../../src/disk/background/background-files.ts");
type Names = typeof import("../../src/disk/names.ts");

let project: CompiledProject;
let background: Background;
let names: Names;

beforeAll(async () => {
  // A thread needs plain JavaScript.
  project = CompiledProject.build();
  background = await import(project.pathOf("src/disk/background/background-files.ts"));
  names = await import(project.pathOf("src/disk/names.ts"));
}, 60_000);

function start() {
  const creation = background.BackgroundFiles.start();
  if (creation === undefined) throw new Error("There is no thread to be had.");
  return creation;
}

test("files are created with exactly their names, bytes and modes", async () => {
  using root = TemporaryRoot.inMemory();
  const creation = start();
  const wanted = new Map<string, { bytes: Buffer; mode: number }>();
  const rawName = names.decodeName(Buffer.from([0x6e, 0xff, 0x80]));
  const oddNames = ["a b", "line\nbreak", "e\u0301", "\u00e9", rawName, "n".repeat(255)];
  for (let index = 0; index < 600; index++) {
    const name = oddNames[index] ?? `file-${index}`;
    const bytes = Buffer.alloc((index * 37) % 5000, index);
    const mode = index % 2 === 0 ? 0o600 : 0o700;
    wanted.set(name, { bytes, mode });
    const reused = Buffer.from(bytes);
    expect(creation.add(join(root.path, name), mode, reused)).toBe(true);
    reused.fill(0xee);
  }
  const large = Buffer.alloc(700_000, "large");
  wanted.set("large", { bytes: large, mode: 0o600 });
  creation.add(join(root.path, "large"), 0o600, large);
  expect(await creation.finish()).toBeUndefined();
  const found = fs.readdirSync(root.path, { encoding: "buffer" });
  expect(found.map(names.decodeName).sort()).toEqual([...wanted.keys()].sort());
  for (const [name, { bytes, mode }] of wanted) {
    const path = names.encodePath(join(root.path, name));
    expect(fs.readFileSync(path).equals(bytes), name).toBe(true);
    expect(fs.statSync(path).mode & 0o777, name).toBe(mode);
  }
});

test("what cannot be created is named, with the system's own error", async () => {
  using root = TemporaryRoot.inMemory();
  fs.writeFileSync(join(root.path, "taken"), "not ours");
  const creation = start();
  for (let index = 0; index < 100; index++) {
    creation.add(join(root.path, `file-${index}`), 0o600, Buffer.alloc(10_000));
  }
  creation.add(join(root.path, "taken"), 0o600, Buffer.from("ours"));
  const failure = await creation.finish();
  expect(failure?.path).toBe(join(root.path, "taken"));
  expect(failure?.error).toMatchObject({ code: "EEXIST", syscall: "open" });
  expect(fs.readFileSync(join(root.path, "taken"), "utf8")).toBe("not ours");
});

test("a directory that has gone is an error like any other", async () => {
  using root = TemporaryRoot.inMemory();
  const creation = start();
  const path = join(root.path, "gone", "file");
  creation.add(path, 0o600, Buffer.from("content"));
  const failure = await creation.finish();
  expect(failure).toMatchObject({ path, error: { code: "ENOENT" } });
});

test("two at a time work beside each other, and a thread serves one after the other", async () => {
  using root = TemporaryRoot.inMemory();
  for (const round of [1, 2]) {
    const creations = ["left", "right"].map((name) => ({ name, creation: start() }));
    for (const { name, creation } of creations) {
      for (let index = 0; index < 300; index++) {
        const path = join(root.path, `${name}-${round}-${index}`);
        creation.add(path, 0o600, Buffer.from(`${name} ${index}`));
      }
    }
    const failures = await Promise.all(creations.map(({ creation }) => creation.finish()));
    expect(failures).toEqual([undefined, undefined]);
  }
  expect(fs.readdirSync(root.path)).toHaveLength(1200);
});

test("what would wait too long is refused, so that memory stays bounded", async () => {
  using root = TemporaryRoot.inMemory();
  const creation = start();
  let accepted = 0;
  const bytes = Buffer.alloc(1024 * 1024);
  // Synchronously: the thread's answers cannot be heard meanwhile.
  while (accepted < 1000 && creation.add(join(root.path, `${accepted}`), 0o600, bytes)) accepted++;
  // One batch is being gathered beside those that wait.
  expect(accepted).toBe(backgroundBytesMax / bytes.length + 1);
  expect(await creation.finish()).toBeUndefined();
  expect(fs.readdirSync(root.path)).toHaveLength(accepted);
});
