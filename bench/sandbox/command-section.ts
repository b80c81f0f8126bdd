import { type Layer, openLayer } from "../../src/overlay/layer.ts";
import { openSession, type Session } from "../../src/sandbox/session.ts";
import type { Engine } from "../../src/sandbox/session-options.ts";
import { type Contestant, interleave } from "../lib/interleave.ts";
import { figure, leastOf, medianOf, type Samples } from "../lib/samples.ts";
import { markdownTable } from "../lib/table.ts";
import { OverlayPeer } from "./overlay-peer.ts";
import type { Scale } from "./scale.ts";
import { canTry, measureTry } from "./try-peer.ts";
import { outside, type Workload } from "./workload.ts";

/** Longest time for one contestant of one row, in milliseconds. */
const budgetMs = 60_000;

/**
 * Real commands outside and inside, in turn, and by a peer where that is asked for and possible:
 * over fuse-overlayfs, or as binpash/try runs them, with an overlay for every command.
 */
export async function commandSection(
  { rounds }: Pick<Scale, "rounds">,
  engine: Engine,
  workloads: readonly Workload[],
  options: { readonly peer?: "fuse-overlayfs" | "try" } = {},
): Promise<string> {
  const isOver = options.peer === "fuse-overlayfs" && OverlayPeer.isInstalled();
  const isTried = options.peer === "try" && canTry();
  const hasPeer = isOver || isTried;
  const lines: string[][] = [];
  for (const workload of workloads) {
    const ours = new OurView(workload, engine);
    const peer = isOver ? new PeerView(workload) : undefined;
    const contestants: Contestant[] = [
      { name: "outside", measure: () => measureIn(workload, workload.root) },
      { name: "inside", measure: () => ours.measure() },
    ];
    if (peer !== undefined) {
      contestants.push({ name: "peer", measure: () => peer.measure() });
    }
    if (isTried) {
      const measure = () => measureTry(tryScript(workload), workload.root);
      contestants.push({ name: "peer", measure });
    }
    const samples = await interleave(contestants, { rounds, budgetMs });
    await ours.close();
    peer?.close();
    const [plain = [], inside = [], beside = []] = contestants.map(({ name }) => samples.get(name));
    lines.push([
      workload.name,
      timesOf(plain),
      timesOf(inside),
      `${figure(medianOf(inside) / medianOf(plain))} × (${figure(leastOf(inside) / leastOf(plain))})`,
      ...(hasPeer ? [timesOf(beside)] : []),
    ]);
  }
  const heads = [`engine ${engine}`, "outside ms", "inside ms", "ratio (of the least)"];
  return markdownTable([...heads, ...(hasPeer ? [`${options.peer} ms`] : [])], lines);
}

/** With what comes first, which costs next to nothing in an overlay that is new. */
function tryScript({ before, script }: Workload): string {
  return before === undefined ? script : `${before}; ${script}`;
}

async function measureIn({ before, script }: Workload, directory: string): Promise<number> {
  if (before !== undefined) await outside(before, directory);
  return outside(script, directory);
}

/** The tree in a session: the same one every time, or a new one for what is to be the first. */
class OurView {
  readonly #workload: Workload;
  readonly #engine: Engine;
  #open: { readonly layer: Layer; readonly session: Session } | undefined;

  constructor(workload: Workload, engine: Engine) {
    this.#workload = workload;
    this.#engine = engine;
  }

  async measure(): Promise<number> {
    if (this.#workload.isFirst === true) await this.close();
    const session = this.#open?.session ?? (await this.#start());
    const { before, script } = this.#workload;
    if (before !== undefined) await session.run("sh", ["-c", before], quiet);
    const startedMs = performance.now();
    const running = await session.spawn("sh", ["-c", script], quiet);
    await new Promise((resolve) => running.child.once("close", resolve));
    const elapsedMs = performance.now() - startedMs;
    await running.result;
    return elapsedMs;
  }

  async close(): Promise<void> {
    await this.#open?.session.close();
    this.#open?.layer.close();
    this.#open = undefined;
  }

  async #start(): Promise<Session> {
    const layer = openLayer({ root: this.#workload.root });
    const session = await openSession(layer, { engine: this.#engine, require: "cooperative" });
    this.#open = { layer, session };
    await session.run("true", [], quiet);
    return session;
  }
}

/** The tree over fuse-overlayfs, in the same way. */
class PeerView {
  readonly #workload: Workload;
  #peer: OverlayPeer;

  constructor(workload: Workload) {
    this.#workload = workload;
    this.#peer = OverlayPeer.mount(workload.root);
  }

  measure(): Promise<number> {
    if (this.#workload.isFirst === true) {
      this.close();
      this.#peer = OverlayPeer.mount(this.#workload.root);
    }
    return measureIn(this.#workload, this.#peer.view);
  }

  close(): void {
    this.#peer.unmount();
  }
}

const quiet = { stdio: "ignore" } as const;

function timesOf(samples: Samples): string {
  return `${figure(medianOf(samples))} (${figure(leastOf(samples))})`;
}
