import nodeFs from "node:fs";
import { join } from "node:path";
import { benchPlace } from "../lib/bench-place.ts";
import { type Contestant, interleave } from "../lib/interleave.ts";
import type { Samples } from "../lib/samples.ts";
import { isInstalled, type PeerName, peers } from "./peers.ts";
import type { Row, Scale } from "./rows.ts";

/** Milliseconds that a row took on each peer, in interleaved rounds. */
export async function measureRow(
  row: Row,
  options: {
    readonly scale: Scale;
    readonly rounds: number;
    readonly budgetMs: number;
    /** Peers that need longer than this, with all that is not counted, get no more rounds. */
    readonly wallMs: number;
    /** Leaves out all others; some take minutes. */
    readonly only?: readonly string[];
  },
): Promise<ReadonlyMap<string, Samples>> {
  const contestants: Contestant[] = [];
  for (const name of row.peers) {
    if (options.only?.includes(name) === false) continue;
    if (await isInstalled(name)) contestants.push(contestantOf(row, name, options.scale));
  }
  const { rounds, budgetMs, wallMs } = options;
  return interleave(contestants, { rounds, budgetMs, wallMs });
}

function contestantOf(row: Row, name: PeerName, scale: Scale): Contestant {
  return {
    name,
    async measure() {
      const root = nodeFs.realpathSync(nodeFs.mkdtempSync(join(benchPlace(), "draftfs-bench-")));
      try {
        // As projects are: mkdtemp lets nobody else in.
        nodeFs.chmodSync(root, 0o755);
        row.seed(root, scale);
        const peer = await peers[name](root);
        const work = await row.prepare(peer, scale);
        if (row.repeatable) await work();
        // The garbage of the preparation must not be collected on the row's account.
        globalThis.gc?.();
        const start = performance.now();
        const pending = work();
        if (pending instanceof Promise) await pending;
        const elapsedMs = performance.now() - start;
        peer.layer?.close();
        return elapsedMs;
      } finally {
        nodeFs.rmSync(root, { recursive: true, force: true });
      }
    },
  };
}
