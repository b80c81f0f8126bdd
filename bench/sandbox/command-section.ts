import { openLayer } from "../../src/overlay/layer.ts";
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
    const layer = openLayer({ root: workload.root });
    const session = await openSession(layer, { engine, require: "cooperative" });
    const peer = isOver ? OverlayPeer.mount(workload.root) : undefined;
    const contestants: Contestant[] = [
      { name: "outside", measure: () => measureIn(workload, workload.root) },
      { name: "inside", measure: () => measureInside(workload, session) },
    ];
    if (peer !== undefined) {
      contestants.push({ name: "peer", measure: () => measureIn(workload, peer.view) });
    }
    if (isTried) {
      const measure = () => measureTry(tryScript(workload), workload.root);
      contestants.push({ name: "peer", measure });
    }
    const samples = await interleave(contestants, { rounds, budgetMs });
    await session.close();
    layer.close();
    peer?.unmount();
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

async function measureInside({ before, script }: Workload, session: Session): Promise<number> {
  const quiet = { stdio: "ignore" } as const;
  if (before !== undefined) await session.run("sh", ["-c", before], quiet);
  const startedMs = performance.now();
  const running = await session.spawn("sh", ["-c", script], quiet);
  await new Promise((resolve) => running.child.once("close", resolve));
  const elapsedMs = performance.now() - startedMs;
  await running.result;
  return elapsedMs;
}

function timesOf(samples: Samples): string {
  return `${figure(medianOf(samples))} (${figure(leastOf(samples))})`;
}
