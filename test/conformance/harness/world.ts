import nodeFs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryDirectory } from "../../support/memory-directory.ts";
import type { Difference, Outcome } from "./difference.ts";
import { changesBetween, type Fingerprint, fingerprintOf } from "./lower-guard.ts";
import { classifierOf, type Frame } from "./plain.ts";
import { Recorder } from "./recorder.ts";
import { type Scenario, Trial } from "./scenario.ts";
import type { Fs } from "./seed.ts";
import { readTree, type Tree } from "./tree.ts";

/** A tree that a program can run on, and the lower below it that must not change. */
export interface World {
  readonly fs: Fs;
  readonly root: string;
  readonly outside: string;
  /** Runs the program once before it counts; what it gives takes the next run back. */
  readonly rehearse?: (run: () => Promise<void>) => Promise<() => Difference[]>;
  /** The lower as `fs` sees it; nothing of it may change. */
  readonly lower?: { readonly fs: Fs; readonly root: string };
  readonly close?: () => void;
}

/** Longest tick of a kernel clock (100 Hz) and some: times before and after a wait never tie. */
export const clockTickMs = 12;

/** Whether the file systems that worlds lie on count subdirectories in `nlink`. */
const countsLinks = [tmpdir(), memoryDirectory()].every((parent) => {
  const probe = nodeFs.mkdtempSync(join(parent, "draftfs-probe-"));
  nodeFs.mkdirSync(join(probe, "sub"));
  const { nlink } = nodeFs.statSync(probe);
  nodeFs.rmSync(probe, { recursive: true });
  return nlink === 3;
});

/** Runs a scenario in a world and takes down all that it saw and left. */
export async function runIn(world: World, scenario: Scenario, markerNs: bigint): Promise<Outcome> {
  const before = world.lower && fingerprintOf(world.lower.fs, world.lower.root);
  const frame = frameOf(world, markerNs);
  const program = async (recorder: Recorder) => {
    const trial = new Trial(recorder, world);
    await asUser(scenario.uid, async () => scenario.program(trial));
  };
  const takeBack = await world.rehearse?.(() =>
    program(new Recorder(world.fs, frameOf(world, markerNs))),
  );
  const recorder = new Recorder(world.fs, frame);
  await program(recorder);
  const tree = viewOf(world, frame);
  const left = takeBack?.() ?? [];
  if (left.length > 0) throw new Error(`Rolled back to another tree: ${JSON.stringify(left)}`);
  if (before && world.lower) assertUntouched(before, world.lower);
  return { steps: recorder.steps, tree };
}

export function frameOf(world: World, markerNs: bigint): Frame {
  return {
    root: world.root,
    outside: world.outside,
    timeOf: classifierOf(markerNs),
    directoryLinks: countsLinks,
    aliases: new Map(),
  };
}

/** The whole merged tree of a world. */
export function viewOf(world: World, frame: Frame): Tree {
  return readTree(world.fs, world.root, {
    timeOf: frame.timeOf,
    directoryLinks: frame.directoryLinks,
    aliases: frame.aliases,
    ignoreRootChangeTime: true,
  });
}

function assertUntouched(before: Fingerprint, lower: { fs: Fs; root: string }): void {
  const changes = changesBetween(before, fingerprintOf(lower.fs, lower.root));
  if (changes.length > 0) throw new Error(`The lower has changed:\n${changes.join("\n")}`);
}

/**
 * Runs `action` as an unprivileged user where the tests run as root; where they do not, they are
 * unprivileged already.
 */
export async function asUser<T>(uid: number | undefined, action: () => Promise<T>): Promise<T> {
  const { seteuid, setegid } = process;
  if (uid === undefined || process.geteuid?.() !== 0 || !seteuid || !setegid) return action();
  setegid.call(process, uid);
  seteuid.call(process, uid);
  try {
    return await action();
  } finally {
    seteuid.call(process, 0);
    setegid.call(process, 0);
  }
}
