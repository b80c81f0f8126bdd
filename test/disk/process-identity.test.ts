import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import {
  identifyProcess,
  isGone,
  isNameGone,
  processNameOf,
  processNamePattern,
} from "../../src/disk/process-identity.ts";

const disk = new NodeDisk();
const own = processNameOf(disk);

/** The name of this process with some of its words changed. */
function named(change: Readonly<Record<number, string>>): string {
  const words = own.split("-");
  return words.map((word, index) => change[index] ?? word).join("-");
}

function deadPid(): string {
  return String(spawnSync(process.execPath, ["-e", ""]).pid);
}

test("a name tells a process from those that are gone", () => {
  expect(own).toMatch(new RegExp(`^${processNamePattern}$`));
  expect(isNameGone(disk, own)).toBe(false);
  expect(isNameGone(disk, named({ 0: deadPid() }))).toBe(true);
  expect(isNameGone(disk, named({ 1: "1" }))).toBe(true);
  expect(isNameGone(disk, named({ 3: "abc" }))).toBe(true);
});

test("a process that cannot be judged from here counts as alive", () => {
  const gone = { 0: deadPid(), 1: "1" };
  expect(isNameGone(disk, named({ ...gone, 2: "1" }))).toBe(false);
  expect(isNameGone(disk, named({ ...gone, 4: "abc" }))).toBe(false);
});

test("a live process is not taken for gone by the /proc of another namespace", () => {
  class ForeignProc extends NodeDisk {
    override readlink(path: string): string {
      return path === "/proc/self" ? String(process.pid + 1) : super.readlink(path);
    }
  }
  const self = identifyProcess(disk);
  const other = { ...self, startTime: "1" };
  expect(isGone(disk, other, self)).toBe(true);
  expect(isGone(new ForeignProc(), other, self)).toBe(false);
});
