import nodeFs from "node:fs";
import { dirname, join } from "node:path";
import { createFsFromVolume, Volume } from "memfs";
import { Union } from "unionfs";
import { pageBytes } from "../../../src/overlay/content/page.ts";
import { type Layer, openLayer } from "../../../src/overlay/layer.ts";
import { treeDifferences } from "./difference.ts";
import type { Scenario, VariantName } from "./scenario.ts";
import { type Fs, plant, type Seed } from "./seed.ts";
import { readTree } from "./tree.ts";
import type { World } from "./world.ts";

/** Makes a world for one scenario below the directory `home`, which does not exist yet. */
type Variant = (home: string, scenario: Scenario) => World;

/** A real directory: the oracle. */
export const plantReal: Variant = (home, scenario) => plantDisk(home, "root", scenario);

/** An overlay that may hold only so much content in memory. */
function limitedTo(memoryLimitBytes: number): Variant {
  return (home, scenario) => {
    const { root, outside } = plantDisk(home, "root", scenario);
    const stagingDirectory = join(home, "staging");
    nodeFs.mkdirSync(stagingDirectory);
    nodeFs.chmodSync(stagingDirectory, 0o1777);
    const layer = openLayer({ root, memoryLimitBytes, stagingDirectory });
    return { ...worldOf(layer), outside, lower: { fs: nodeFs, root } };
  };
}

const variants: Readonly<Record<VariantName, Variant>> = {
  /** The tree lies in the lower, the overlay is fresh. */
  plain: (home, scenario) => {
    const { root, outside } = plantDisk(home, "root", scenario);
    const layer = openLayer({ root });
    return { ...worldOf(layer), outside, lower: { fs: nodeFs, root: home } };
  },

  /**
   * The program has run once already, in a savepoint that was rolled back, and runs after another
   * one, which must lead back to the same tree.
   */
  "rolled back": (home, scenario) => {
    const { root, outside } = plantDisk(home, "root", scenario);
    const layer = openLayer({ root });
    return {
      ...worldOf(layer),
      outside,
      lower: { fs: nodeFs, root: home },
      rehearse: async (run) => {
        const savepoint = layer.savepoint();
        await run();
        layer.rollback(savepoint);
        const before = readTree(fsOf(layer), root, exactTimes);
        const outer = layer.savepoint();
        return () => {
          layer.rollback(outer);
          return treeDifferences(before, readTree(fsOf(layer), root, exactTimes));
        };
      },
    };
  },

  /** The tree lies in a lower directory that the overlay has renamed. */
  redirect: (home, scenario) => {
    const { outside } = plantDisk(home, "orig", scenario, "root");
    const layer = openLayer({ root: home });
    layer.fs.renameSync(join(home, "orig"), join(home, "root"));
    return {
      ...worldOf(layer),
      root: join(home, "root"),
      outside,
      lower: { fs: nodeFs, root: home },
    };
  },

  /** Everything was made in the overlay, nothing lies in the lower. */
  upper: (home, scenario) => {
    const root = join(home, "root");
    nodeFs.mkdirSync(root, { recursive: true });
    const layer = openLayer({ root });
    plantIn(fsOf(layer), root, scenario, root);
    return { ...worldOf(layer), outside: makeOutside(home), lower: { fs: nodeFs, root: home } };
  },

  /** No content is held in memory: all of it spills to files at once. */
  spilled: limitedTo(0),

  /** Four pages of content are held in memory: what is large spills, and comes back in part. */
  pressed: limitedTo(4 * pageBytes),

  /** The lower is a memfs volume; the disk is not involved. */
  memfs: (home, scenario) => {
    const root = join(home, "root");
    const volume = new Volume();
    volume.mkdirSync(root, { recursive: true });
    const memory = createFsFromVolume(volume) as unknown as Fs;
    plantIn(memory, root, scenario, root);
    const layer = openLayer({ root, lower: memory });
    const lower = { fs: memory, root: dirname(root) };
    return { ...worldOf(layer), outside: join(home, "outside"), lower };
  },

  /** The lower is a unionfs: some files in a memfs volume, all else on the disk above. */
  unionfs: (home, scenario) => {
    const { files, others } = splitSeed(scenario.seed);
    const { root, outside } = plantDisk(home, "root", scenario, "root", others);
    const volume = new Volume();
    volume.mkdirSync(root, { recursive: true });
    const memory = createFsFromVolume(volume) as unknown as Fs;
    plantIn(memory, root, scenario, root, files);
    const union = new Union();
    // It asks the one that was added last first.
    union.use(memory).use(nodeFs);
    const layer = openLayer({ root, lower: union as unknown as Fs });
    return { ...worldOf(layer), outside, lower: { fs: nodeFs, root: home } };
  },

  /** The lower is another overlay. */
  stacked: (home, scenario) => {
    const { root, outside } = plantDisk(home, "root", scenario);
    const below = openLayer({ root });
    const layer = openLayer({ root, lower: fsOf(below) });
    return {
      ...worldOf(layer),
      outside,
      lower: { fs: fsOf(below), root },
      close: () => {
        layer.close();
        below.close();
      },
    };
  },
};

const exactTimes = { timeOf: String, directoryLinks: true };

export const variantNames = Object.keys(variants) as VariantName[];

/** Makes the world of one variant. */
export function plantVariant(name: VariantName, home: string, scenario: Scenario): World {
  return variants[name](home, scenario);
}

/** The overlay in the shape of `node:fs`. */
export function fsOf(layer: Layer): Fs {
  return layer.fs as unknown as Fs;
}

function worldOf(layer: Layer): Pick<World, "fs" | "root" | "close"> {
  return { fs: fsOf(layer), root: layer.root, close: () => layer.close() };
}

/** Seeds a real directory `home/name` and returns where it lies. */
function plantDisk(
  home: string,
  name: string,
  scenario: Scenario,
  shownName = name,
  part = scenario.seed,
) {
  const root = join(home, name);
  nodeFs.mkdirSync(root, { recursive: true });
  plantIn(nodeFs, root, scenario, join(home, shownName), part);
  return { fs: nodeFs, root, outside: makeOutside(home) };
}

function makeOutside(home: string): string {
  const outside = join(home, "outside");
  nodeFs.mkdirSync(outside);
  return outside;
}

/** Files right below the root that have no other names, and what remains. */
function splitSeed(seed: Seed): { readonly files: Seed; readonly others: Seed } {
  const nodes = Object.entries(seed);
  const isMovable = ([path, node]: (typeof nodes)[number]): boolean => {
    const isFile = typeof node === "string" || Buffer.isBuffer(node) || node.kind === "file";
    return isFile && !path.includes("/") && !isLinked(seed, path);
  };
  return {
    files: Object.fromEntries(nodes.filter(isMovable)),
    others: Object.fromEntries(nodes.filter((node) => !isMovable(node))),
  };
}

function isLinked(seed: Seed, path: string): boolean {
  return Object.values(seed).some(
    (node) => typeof node === "object" && "to" in node && node.to === path,
  );
}

/** Plants the seed or a part of it; as root, hands it over to the user that the scenario runs as. */
function plantIn(
  fs: Fs,
  root: string,
  scenario: Scenario,
  shownRoot: string,
  part = scenario.seed,
): void {
  plant(fs, root, part, shownRoot, scenario.seed);
  const { uid } = scenario;
  if (uid === undefined || process.geteuid?.() !== 0) return;
  for (const path of ["", ...Object.keys(part)]) {
    if (!scenario.foreign.includes(path)) fs.lchownSync(join(root, path), uid, uid);
  }
}
