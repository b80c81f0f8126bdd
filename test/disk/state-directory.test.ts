import fs from "node:fs";
import { expect, test } from "vitest";
import type { Disk } from "../../src/disk/disk.ts";
import { NodeDisk } from "../../src/disk/node/node-disk.ts";
import {
  ensureStateDirectory,
  hasStateDirectory,
  type StateDirectory,
  stateDirectoryOf,
} from "../../src/disk/state/state-directory.ts";
import { TemporaryRoot } from "../commit/scenario.ts";

/** The real disk, on which somebody else acts right before the call with this number, from 0. */
function interruptedDisk(at: number, act: () => void): { readonly disk: Disk; calls: number } {
  const state = { calls: 0 };
  const disk = new Proxy(new NodeDisk(), {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        if (state.calls++ === at) act();
        return value.apply(target, given);
      };
    },
  });
  return Object.assign(state, { disk });
}

/** Creates it, and leaves what a first commit leaves, which makes a torn creation a damage. */
function createAndCommit(state: StateDirectory): void {
  ensureStateDirectory(new NodeDisk(), state);
  fs.mkdirSync(state.checkpoints);
}

test.each([
  ["creates it", (state: StateDirectory) => ensureStateDirectory(new NodeDisk(), state)],
  ["creates it and commits", createAndCommit],
])("a state directory can be created while another process %s", (_what, act) => {
  let tried = 0;
  for (let at = 0; ; at++) {
    using root = TemporaryRoot.inMemory();
    const state = stateDirectoryOf(root.path);
    let hasActed = false;
    const interrupted = interruptedDisk(at, () => {
      hasActed = true;
      act(state);
    });
    ensureStateDirectory(interrupted.disk, state);
    if (!hasActed) break;
    tried += 1;
    expect(hasStateDirectory(new NodeDisk(), state)).toBe(true);
    expect(fs.readdirSync(state.path).filter((name) => name.endsWith(".new"))).toEqual([]);
    expect(fs.readFileSync(state.format, "utf8")).toBe("draftfs 1\n");
  }
  // A look, four directories and two files are more calls than that.
  expect(tried).toBeGreaterThan(15);
});

test("a format file is read again when anything has happened to it", () => {
  using root = TemporaryRoot.inMemory();
  const disk = new NodeDisk();
  const state = stateDirectoryOf(root.path);
  createAndCommit(state);
  expect([hasStateDirectory(disk, state), hasStateDirectory(disk, state)]).toEqual([true, true]);
  fs.writeFileSync(state.format, "draftfs 10\n");
  expect(() => hasStateDirectory(disk, state)).toThrow(/format 10, this one reads up to 1/);
  fs.writeFileSync(state.format, "draftfs 1\n");
  expect(hasStateDirectory(disk, state)).toBe(true);
  fs.rmSync(state.path, { recursive: true });
  expect(hasStateDirectory(disk, state)).toBe(false);
});
