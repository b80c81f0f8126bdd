import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import { identifyProcess } from "../../src/disk/process-identity.ts";
import { ensureStateDirectory, stateDirectoryOf } from "../../src/disk/state/state-directory.ts";
import { Draft } from "../../src/drafts/draft.ts";
import { removeDraft } from "../../src/drafts/draft-list.ts";
import { openLayer } from "../../src/overlay/layer.ts";

const disk = new NodeDisk();
let root: string;
let directory: string;

beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), "draftfs-debris-")));
  const state = stateDirectoryOf(root);
  ensureStateDirectory(disk, state);
  directory = join(state.drafts, "main");
  fs.mkdirSync(directory, { recursive: true });
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

const open = () => Draft.open(disk, stateDirectoryOf(root), "main");
const self = () => identifyProcess(disk);
const dead = () => ({ ...self(), pid: spawnSync("true").pid, startTime: "1" });

/** Leaves a file of this name, so old. */
function leave(name: string, content: string, ageMs: number): void {
  const path = join(directory, name);
  fs.writeFileSync(path, content);
  age(path, ageMs);
}

function age(path: string, ageMs: number): void {
  const time = (Date.now() - ageMs) / 1000;
  fs.utimesSync(path, time, time);
}

it.each([
  ["written", () => JSON.stringify({ ...dead(), token: "left" })],
  ["empty", () => ""],
])(
  "what a process killed while it took the lock has left %s goes, with the directory",
  async (_how, content) => {
    const state = stateDirectoryOf(root);
    leave("lock.left.new", content(), 60_000);
    (await open()).close();
    expect(fs.existsSync(directory)).toBe(false);
    fs.mkdirSync(directory);
    leave("lock.left.new", content(), 60_000);
    expect(await removeDraft(disk, state, "main")).toBe(false);
    expect(fs.existsSync(directory)).toBe(false);
  },
);

it("a place for a lock goes, where there are no links and nobody has written into it", async () => {
  fs.mkdirSync(join(directory, "lock.left.new"));
  age(join(directory, "lock.left.new"), 60_000);
  (await open()).close();
  expect(fs.existsSync(directory)).toBe(false);
});

it("what somebody alive has made stays, and what may be in the writing", async () => {
  leave("lock.alive.new", JSON.stringify({ ...self(), token: "alive" }), 60_000);
  leave("lock.young.new", "", 0);
  (await open()).close();
  expect(fs.readdirSync(directory).sort()).toEqual(["lock.alive.new", "lock.young.new"]);
});

it("who was stopped while taking it begins anew when his file was swept", async () => {
  let isSwept = false;
  const stopped = new Proxy(disk, {
    get(target, name) {
      if (name === "link" && !isSwept) {
        return (from: string) => {
          isSwept = true;
          fs.unlinkSync(from);
          target.link(from, join(directory, "lock"));
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const draft = await Draft.open(stopped, stateDirectoryOf(root), "main");
  expect(isSwept).toBe(true);
  expect(fs.existsSync(join(directory, "lock"))).toBe(true);
  draft.close();
});

it("discarding says whether anything was saved, and leaves one who works there alone", async () => {
  const state = stateDirectoryOf(root);
  const draft = await open();
  expect(await removeDraft(disk, state, "main")).toBe(false);
  const layer = openLayer({ root });
  layer.fs.writeFileSync(join(root, "a"), "a");
  await draft.save(layer);
  await expect(removeDraft(disk, state, "main")).rejects.toMatchObject({ code: "DRAFT_LOCKED" });
  draft.close();
  layer.close();
  expect(await removeDraft(disk, state, "main")).toBe(true);
  expect(fs.existsSync(directory)).toBe(false);
});
