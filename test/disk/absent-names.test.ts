import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { AbsentNames, isCertain, isSettled } from "../../src/disk/lower/absent-names.ts";
import { nativeCalls } from "../../src/disk/native/native-calls.ts";
import { removeTree } from "../support/remove-tree.ts";

const place = fs.realpathSync(tmpdir());
const native = nativeCalls(Number.POSITIVE_INFINITY);
const uid = 1000;

describe.runIf(native && isCertain(place))("names that a directory has not", () => {
  let root: string;
  let directory: string;
  let absent: AbsentNames;
  let listings: MockInstance;

  beforeEach(async () => {
    root = fs.mkdtempSync(join(place, "draftfs-absent-"));
    directory = join(root, "a/d");
    fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(join(directory, "there"), "");
    listings = vi.spyOn(native as NonNullable<typeof native>, "namesIn");
    absent = new AbsentNames();
    await sleep(30);
  });

  afterEach(() => {
    absent.forget();
    listings.mockRestore();
    removeTree(root);
  });

  const miss = (path = directory, times = 64) => {
    for (let count = 0; count < times; count++) absent.count(path, uid);
  };
  const tells = (name: string, path = directory) => absent.tells(path, name, uid);

  it("are told after a run of looks for such names, and not before", () => {
    miss(directory, 63);
    expect(tells("new")).toBe(false);
    miss(directory, 1);
    expect(tells("new")).toBe(true);
    expect(tells("there")).toBe(false);
    expect(tells("new")).toBe(true);
    expect(tells("new", root)).toBe(false);
    expect(listings).toHaveBeenCalledTimes(1);
  });

  const changes: Record<string, (path: string) => void> = {
    "a file": (path) => fs.writeFileSync(join(path, "new"), ""),
    "a directory": (path) => fs.mkdirSync(join(path, "new")),
    "a symbolic link": (path) => fs.symlinkSync("nowhere", join(path, "new")),
    "a hard link": (path) => fs.linkSync(join(path, "there"), join(path, "new")),
    "a name that was moved here": (path) => fs.renameSync(join(path, "there"), join(path, "new")),
    "a name that came from elsewhere": (path) => {
      fs.writeFileSync(join(root, "other"), "");
      fs.renameSync(join(root, "other"), join(path, "new"));
    },
    "another directory in its place": (path) => {
      fs.renameSync(path, `${path}-old`);
      fs.mkdirSync(path);
      fs.writeFileSync(join(path, "new"), "");
    },
    "another directory in the place of one above": () => {
      fs.renameSync(join(root, "a"), join(root, "b"));
      fs.mkdirSync(directory, { recursive: true });
      fs.writeFileSync(join(directory, "new"), "");
    },
    "a link in the place of one above": () => {
      fs.renameSync(join(root, "a"), join(root, "b"));
      fs.mkdirSync(join(root, "c/d"), { recursive: true });
      fs.writeFileSync(join(root, "c/d/new"), "");
      fs.symlinkSync("c", join(root, "a"));
    },
    "a directory that nobody may pass through": (path) => fs.chmodSync(path, 0),
    "another root": () => {
      fs.renameSync(root, `${root}-old`);
      fs.mkdirSync(directory, { recursive: true });
      fs.writeFileSync(join(directory, "new"), "");
      fs.renameSync(`${root}-old`, join(root, "old"));
    },
    "no directory any more": () => fs.rmSync(join(root, "a"), { recursive: true }),
  };

  for (const [what, change] of Object.entries(changes)) {
    it(`are not told where there is ${what} now`, () => {
      miss();
      expect(tells("new")).toBe(true);
      change(directory);
      expect(tells("new")).toBe(false);
      expect(tells("new")).toBe(false);
    });
  }

  it("are told of the root itself", () => {
    miss(root);
    expect(tells("new", root)).toBe(true);
    fs.writeFileSync(join(root, "new"), "");
    expect(tells("new", root)).toBe(false);
  });

  it("are learned again after a change, but not at each look", () => {
    miss();
    expect(tells("new")).toBe(true);
    fs.writeFileSync(join(directory, "other"), "");
    expect(tells("new")).toBe(false);
    // No timer fires meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
    miss(directory, 191);
    expect(tells("new")).toBe(false);
    miss(directory, 1);
    expect(tells("new")).toBe(true);
    expect(tells("other")).toBe(false);
    expect(listings).toHaveBeenCalledTimes(2);
  });

  it("are not told to another user", () => {
    miss();
    expect(absent.tells(directory, "new", uid + 1)).toBe(false);
    expect(tells("new")).toBe(false);
  });

  it("are not told to another user who has looked elsewhere meanwhile", () => {
    miss();
    expect(tells("new")).toBe(true);
    absent.count(root, uid + 1);
    expect(absent.tells(directory, "new", uid + 1)).toBe(false);
  });

  it("are not told where another directory stood at the path while it was listed", () => {
    fs.mkdirSync(join(root, "b/d"), { recursive: true });
    fs.writeFileSync(join(directory, "new"), "");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
    const exchange = () => {
      fs.renameSync(join(root, "a"), join(root, "c"));
      fs.renameSync(join(root, "b"), join(root, "a"));
      fs.renameSync(join(root, "c"), join(root, "b"));
    };
    miss(directory, 63);
    const { openSync } = fs;
    const open = vi.spyOn(fs, "openSync").mockImplementationOnce((...values) => {
      exchange();
      const opened = openSync(...values);
      exchange();
      return opened;
    });
    miss(directory, 1);
    expect(open).toHaveBeenCalledTimes(1);
    open.mockRestore();
    expect(tells("new")).toBe(false);
  });

  it("are forgotten after a tenth of a second, also by a test that fakes timers", async () => {
    vi.useFakeTimers();
    miss();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
    expect(tells("new")).toBe(true);
    await sleep(150);
    expect(tells("new")).toBe(false);
  });

  it("leave nothing open", () => {
    const opened = () => fs.readdirSync("/proc/self/fd").length;
    const before = opened();
    miss();
    expect(tells("new")).toBe(true);
    expect(opened()).toBe(before);
  });

  it("are never told wrongly while somebody else makes names", () => {
    const made = new Set<string>();
    for (let round = 0; round < 400; round++) {
      miss(directory, 64);
      const name = `n${round}`;
      expect(tells(name) && made.has(name)).toBe(false);
      if (round % 3 !== 0) {
        fs.writeFileSync(join(directory, name), "");
        made.add(name);
      }
      if (round % 7 === 0) absent.forget();
      for (const other of [name, `n${round - 1}`, "there"]) {
        if (tells(other)) expect(fs.existsSync(join(directory, other))).toBe(false);
      }
    }
  });
});

describe("the last change of a directory", () => {
  const mark = (changedMs: number, nanoseconds = (changedMs % 1000) * 1_000_000 + 1) => ({
    ino: 1,
    inoHigh: 0,
    deviceMajor: 0,
    deviceMinor: 1,
    changeSeconds: Math.floor(changedMs / 1000),
    changeSecondsHigh: 0,
    changeNanoseconds: nanoseconds,
  });
  const now = 1_800_000_000_500;

  it("has to be older than the clock of the kernel is coarse", () => {
    expect(isSettled(mark(now - 30), now)).toBe(true);
    expect(isSettled(mark(now - 15), now)).toBe(false);
    expect(isSettled(mark(now + 5000), now)).toBe(false);
  });

  it("tells nothing where the file system keeps seconds", () => {
    expect(isSettled(mark(now - 5000, 0), now)).toBe(false);
  });
});
