import nodeFs from "node:fs";
import { join } from "node:path";
import { benchPlace } from "../lib/bench-place.ts";
import { medianOf } from "../lib/samples.ts";
import { type PeerName, peers } from "./peers.ts";

/** Who can rename a directory. */
export const renamePeers: readonly PeerName[] = [
  "node:fs",
  "draftfs",
  "memfs",
  "unionfs + memfs",
  "ZenFS CopyOnWrite",
];

/** Directories of the real tree that one process renames, one after the other. */
const directoriesCount = 31;
/** Renames after the first in which a process still interprets much of what it runs. */
const nextCount = 10;

/** Milliseconds of renames in one process. */
export interface RenameTimes {
  /** The first, when nothing that it runs has been compiled. */
  readonly firstMs: number;
  /** The median of the ten after it, each of another directory. */
  readonly nextMs: number;
  /** The median of the twenty after those. */
  readonly laterMs: number;
}

/**
 * Renames directories of 10,000 files each. Tells of the first of a process only where nothing has
 * been renamed in it before: `rename-process.ts` runs it.
 */
export async function measureRenames(name: PeerName, scale: number): Promise<RenameTimes> {
  const root = nodeFs.realpathSync(nodeFs.mkdtempSync(join(benchPlace(), "draftfs-bench-")));
  try {
    const filesCount = Math.max(20, Math.round(10_000 * scale));
    for (let directory = 0; directory < directoriesCount; directory++) {
      nodeFs.mkdirSync(join(root, `d${directory}`));
      for (let file = 0; file < filesCount; file++) {
        nodeFs.writeFileSync(join(root, `d${directory}`, `l${file}`), "");
      }
    }
    const peer = await peers[name](root);
    globalThis.gc?.();
    const times: number[] = [];
    for (let directory = 0; directory < directoriesCount; directory++) {
      const source = join(root, `d${directory}`);
      const target = join(root, `m${directory}`);
      const start = performance.now();
      peer.fs.renameSync(source, target);
      times.push(performance.now() - start);
    }
    peer.layer?.close();
    const [firstMs = Number.NaN, ...others] = times;
    const nextMs = medianOf(others.slice(0, nextCount));
    return { firstMs, nextMs, laterMs: medianOf(others.slice(nextCount)) };
  } finally {
    nodeFs.rmSync(root, { recursive: true, force: true });
  }
}
