import nodeFs from "node:fs";
import { join } from "node:path";
import type { Peer, PeerName } from "./peers.ts";

/** How large to make a row: 1 for the figures, less for the test that it still runs. */
export type Scale = number;

/** One row of the table: the same work on every peer. */
export interface Row {
  readonly name: string;
  /** The figure to reach, as the table states it. */
  readonly reach: string;
  readonly peers: readonly PeerName[];
  /** The work may be done twice: it is done once before the clock starts, as a program runs warm. */
  readonly repeatable?: boolean;
  /** Makes the real tree below. */
  readonly seed: (root: string, scale: Scale) => void;
  /** Everything before the clock starts; returns the work, which may return milliseconds itself. */
  readonly prepare: (peer: Peer, scale: Scale) => Promise<() => unknown> | (() => unknown);
}

const filesCount = (scale: Scale) => Math.max(20, Math.round(10_000 * scale));
const directoriesCount = 100;
const text = "a file of sixty-four bytes, as small ones in a project often are";

const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const pathOf = (root: string, index: number) =>
  join(root, `d${index % directoriesCount}`, `f${index}`);

function seedFiles(root: string, scale: Scale): void {
  for (const index of range(directoriesCount)) nodeFs.mkdirSync(join(root, `d${index}`));
  for (const index of range(filesCount(scale))) nodeFs.writeFileSync(pathOf(root, index), text);
}

/** Changes elsewhere, so that an overlay has something to look through. */
async function changeElsewhere({ fs, root, layer }: Peer, scale: Scale): Promise<void> {
  if (!layer && fs === nodeFs) return;
  const { promises } = fs;
  if (!layer && !fs.mkdirSync) {
    for (const index of range(filesCount(scale)))
      await promises.writeFile(`${root}/p${index}`, text);
    return;
  }
  fs.mkdirSync(join(root, "elsewhere"), { recursive: true });
  for (const index of range(filesCount(scale))) {
    fs.writeFileSync(join(root, "elsewhere", `p${index}`), text);
  }
}

const sample = (scale: Scale) => Math.max(5, Math.round(3_000 * scale));

/** A read-only row on untouched paths with changes pending elsewhere. */
function untouched(
  name: string,
  reach: string,
  names: readonly PeerName[],
  act: (peer: Peer, path: string, index: number) => unknown,
): Row {
  return {
    name,
    reach,
    peers: names,
    repeatable: true,
    seed: seedFiles,
    prepare: async (peer, scale) => {
      await changeElsewhere(peer, scale);
      const paths = range(sample(scale)).map((index) => pathOf(peer.root, index));
      return async () => {
        for (let index = 0; index < paths.length; index++) {
          const pending = act(peer, paths[index] as string, index);
          if (pending instanceof Promise) await pending;
        }
      };
    },
  };
}

const syncReach = "≤ 1.15 × node:fs";
const promiseReach = "≤ 1.10 × node:fs";
const overDisk: readonly PeerName[] = ["node:fs", "draftfs", "unionfs + memfs"];
const overDiskAsync: readonly PeerName[] = [...overDisk, "just-bash OverlayFs"];
const inMemory: readonly PeerName[] = [
  "node:fs",
  "draftfs",
  "memfs",
  "unionfs + memfs",
  "ZenFS CopyOnWrite",
];

const directoryOf = (peer: Peer, index: number) => join(peer.root, `d${index % directoriesCount}`);

/** A project's directory was not made in this very moment. */
const agedMs = 50;

/**
 * Small new files: the work is the same, the step that counts differs. In a new directory nothing
 * can lie below; in one of the disk each name has to be looked up there when it is made.
 */
function smallFiles(
  place: "a new directory" | "a lower directory",
  step: "write" | "read" | "stat" | "unlink",
): Row {
  return {
    name: `new small files in ${place}: ${step}`,
    reach: "≥ 5 × faster than memfs, faster than node:fs",
    peers: inMemory,
    repeatable: step === "read" || step === "stat",
    seed: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, agedMs),
    prepare: ({ fs, root }, scale) => {
      const directory = place === "a new directory" ? join(root, "new") : root;
      if (directory !== root) fs.mkdirSync(directory);
      const paths = range(Math.max(5, Math.round(5_000 * scale))).map((index) =>
        join(directory, `n${index}`),
      );
      const steps = {
        write: (path: string) => fs.writeFileSync(path, text),
        read: (path: string) => fs.readFileSync(path),
        stat: (path: string) => fs.statSync(path),
        unlink: (path: string) => fs.unlinkSync(path),
      };
      if (step !== "write") for (const path of paths) steps.write(path);
      const act = steps[step];
      return () => {
        for (const path of paths) act(path);
      };
    },
  };
}

/** Twice, one four times the other: what is linear takes four times as long. */
function appends(appendsCount: number): Row {
  return {
    name: `${appendsCount.toLocaleString("en")} appends to one file`,
    reach: "linear, ≥ 10 × ZenFS",
    peers: inMemory,
    seed: () => undefined,
    prepare: ({ fs, root }, scale) => {
      const path = join(root, "log");
      const count = Math.max(10, Math.round(appendsCount * scale));
      return () => {
        for (let index = 0; index < count; index++) fs.appendFileSync(path, text);
      };
    },
  };
}

function unlinks(unlinksCount: number): Row {
  const countOf = (scale: Scale) => Math.max(5, Math.round(unlinksCount * scale));
  return {
    name: `${unlinksCount.toLocaleString("en")} unlinks in one directory, then readdir`,
    reach: "linear, ≥ 10 × ZenFS",
    peers: inMemory,
    seed: (root, scale) => {
      for (const index of range(Math.round(countOf(scale) * 1.25))) {
        nodeFs.writeFileSync(join(root, `l${index}`), text);
      }
    },
    prepare:
      ({ fs, root }, scale) =>
      () => {
        for (let index = 0; index < countOf(scale); index++) fs.unlinkSync(join(root, `l${index}`));
        fs.readdirSync(root);
      },
  };
}

/** Rows that are times of the same work on several peers. */
export const rows: readonly Row[] = [
  untouched("readFileSync, untouched", syncReach, overDisk, ({ fs }, path) =>
    fs.readFileSync(path),
  ),
  untouched("statSync, untouched", syncReach, overDisk, ({ fs }, path) => fs.statSync(path)),
  untouched("readdirSync, untouched", syncReach, overDisk, (peer, _, index) =>
    peer.fs.readdirSync(directoryOf(peer, index)),
  ),
  untouched("promises.readFile, untouched", promiseReach, overDiskAsync, ({ fs }, path) =>
    fs.promises.readFile(path),
  ),
  untouched("promises.stat, untouched", promiseReach, overDiskAsync, ({ fs }, path) =>
    fs.promises.stat(path),
  ),
  untouched("promises.readdir, untouched", promiseReach, overDiskAsync, (peer, _, index) =>
    peer.fs.promises.readdir(directoryOf(peer, index)),
  ),
  ...(["a new directory", "a lower directory"] as const).flatMap((place) =>
    (["write", "read", "stat", "unlink"] as const).map((step) => smallFiles(place, step)),
  ),
  {
    name: "merged readdir, half lower, half new",
    reach: "≤ 2 × node:fs",
    peers: overDisk,
    repeatable: true,
    seed: (root, scale) => {
      for (const index of range(filesCount(scale)))
        nodeFs.writeFileSync(join(root, `l${index}`), "");
    },
    prepare: ({ fs, root }, scale) => {
      for (const index of range(filesCount(scale))) fs.writeFileSync(join(root, `n${index}`), "");
      return () => fs.readdirSync(root);
    },
  },
  appends(20_000),
  appends(80_000),
  unlinks(3_000),
  unlinks(12_000),
  {
    name: "savepoint with 100,000 changes pending",
    reach: "< 0.1 ms",
    peers: ["draftfs"],
    seed: () => undefined,
    prepare: ({ fs, root, layer }, scale) => {
      for (const index of range(Math.round(100_000 * scale))) {
        if (index % 1000 === 0) fs.mkdirSync(join(root, `d${index}`));
        fs.writeFileSync(join(root, `d${index - (index % 1000)}`, `n${index}`), "");
      }
      return () => layer?.savepoint();
    },
  },
  {
    name: "rollback of 100 changes, 100,000 others pending",
    reach: "< 1 ms",
    peers: ["draftfs"],
    seed: () => undefined,
    prepare: ({ fs, root, layer }, scale) => {
      for (const index of range(Math.round(100_000 * scale))) {
        if (index % 1000 === 0) fs.mkdirSync(join(root, `d${index}`));
        fs.writeFileSync(join(root, `d${index - (index % 1000)}`, `n${index}`), "");
      }
      const savepoint = layer?.savepoint();
      for (const index of range(100)) fs.writeFileSync(join(root, `r${index}`), text);
      return () => savepoint && layer?.rollback(savepoint);
    },
  },
];
