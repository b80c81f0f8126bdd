import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { openOverlay } from "../../src/index.ts";
import { packsMax } from "../../src/limits.ts";
import { buildCommandLine, commandLinePath } from "../support/built-command-line.ts";
import { ScratchProject } from "./scratch-project.ts";

let project: ScratchProject;

beforeAll(buildCommandLine);
beforeEach(() => {
  project = new ScratchProject({ "a.txt": "start\n" });
});
afterEach(() => project[Symbol.dispose]());

/** As many commits as there may be packs before they are packed together. */
async function fillStore(): Promise<void> {
  const overlay = await openOverlay(project.root);
  for (let index = 0; index < packsMax; index++) {
    overlay.fs.writeFileSync(join(project.root, "a.txt"), `${index}\n`);
    await overlay.commit({ durability: "none" });
  }
  await overlay.close();
}

const packs = () =>
  fs
    .readdirSync(project.path(".draftfs/checkpoints.git/objects/pack"))
    .filter((name) => name.endsWith(".pack")).length;

// microsoft/git#971.
it("a commit that leaves many packs has them packed together afterwards, and undo still works", async () => {
  await fillStore();
  project.run("echo last > a.txt");
  expect(project.draftfs(["commit"]).code).toBe(0);
  for (let waits = 0; packs() > 1 && waits < 200; waits++) await delay(100);
  expect(packs()).toBe(1);
  expect(project.draftfs(["verify"]).code).toBe(0);
  expect(project.draftfs(["undo"]).code).toBe(0);
  expect(fs.readFileSync(project.path("a.txt"), "utf8")).toBe(`${packsMax - 1}\n`);
});

it("with DRAFTFS_AUTO_GC=0 nothing is packed", async () => {
  await fillStore();
  project.run("echo last > a.txt");
  expect(project.draftfs(["commit"], { env: { DRAFTFS_AUTO_GC: "0" } }).code).toBe(0);
  await delay(1500);
  expect(packs()).toBe(packsMax + 1);
});

it("so has a commit that fails, however often it is tried", async () => {
  await fillStore();
  project.run("echo last > a.txt; echo new > b.txt");
  fs.writeFileSync(project.path("b.txt"), "");
  // A file that something is mounted on cannot be replaced: the commit fails, and is taken back.
  const script = 'mount --bind "$1/b.txt" "$1/b.txt"; cd "$1"; "$2" "$3" commit --overwrite';
  const words = ["sh", project.root, process.execPath, commandLinePath];
  const attempt = spawnSync("unshare", ["-rm", "--", "sh", "-c", script, ...words], {
    encoding: "utf8",
  });
  expect(attempt).toMatchObject({ status: 1, stderr: expect.stringContaining("EBUSY") });
  for (let waits = 0; packs() > 1 && waits < 200; waits++) await delay(100);
  expect(packs()).toBe(1);
  expect(project.draftfs(["verify"]).code).toBe(0);
  expect(fs.readFileSync(project.path("a.txt"), "utf8")).toBe(`${packsMax - 1}\n`);
});
