import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { BlockDevice, type FileSystem } from "../../support/block-device.ts";
import type { Committer } from "./committer.ts";
import type { Patch } from "./cut.ts";
import { type Recording, rootName } from "./recording.ts";
import { differenceOf, isSameState, type TreeState, treeStateOf } from "./tree-state.ts";

/** What became of one crash. */
export interface Finding {
  readonly verdict: Verdict;
  /** For a person: what differs, or what the error was. */
  readonly detail: readonly string[];
  /** Before recovery, the tree held a file that was empty or half-written. */
  readonly exposed: boolean;
}

/**
 * `mixed`: the tree is none of the committed states. `lost`: it is one, but older than what had been
 * acknowledged. `stuck`: recovery threw. `unstable`: a second recovery changed something.
 * `store`: git refuses the checkpoint store. `unmountable`: the kernel refused the image; no finding
 * about us.
 */
export type Verdict = "sound" | "mixed" | "lost" | "stuck" | "unstable" | "store" | "unmountable";

/** The transactions of which a cut fell behind the promise, and behind the beginning. */
export interface Reached {
  readonly acknowledged: number;
  readonly begun: number;
}

/**
 * Starts the machine again: mounts the disk as the crash left it, recovers twice, compares.
 *
 * @param log - a file to record in what recovery does to the disk.
 */
export async function examine(
  committer: Committer,
  recording: Recording,
  fileSystem: FileSystem,
  reached: Reached,
  patches: readonly Patch[],
  log?: string,
): Promise<Finding> {
  await using device = await BlockDevice.open(recording.image, log === undefined ? {} : { log });
  applyPatches(device.diskPath, patches);
  try {
    device.mount(fileSystem);
  } catch (error) {
    return { verdict: "unmountable", detail: [String(error)], exposed: false };
  }
  device.mark("mounted");
  const root = join(device.mountPath, rootName);
  const legal = recording.states.slice(reached.acknowledged, reached.begun + 1);
  const exposed = isExposed(root, recording.states);
  try {
    await committer.recover(root);
  } catch (error) {
    return { verdict: "stuck", detail: [describe(error)], exposed };
  }
  const finding = judge(treeStateOf(root), legal, recording.states);
  if (finding.verdict !== "sound") return { ...finding, exposed };
  const again = await examineAgain(committer, root);
  device.mark("end");
  return { ...again, exposed };
}

function applyPatches(path: string, patches: readonly Patch[]): void {
  const descriptor = fs.openSync(path, "r+");
  for (const { offset, data } of patches) fs.writeSync(descriptor, data, 0, data.length, offset);
  fs.closeSync(descriptor);
}

type Judgement = Pick<Finding, "verdict" | "detail">;

function judge(
  actual: TreeState,
  legal: readonly TreeState[],
  states: readonly TreeState[],
): Judgement {
  if (legal.some((state) => isSameState(actual, state))) return { verdict: "sound", detail: [] };
  const older = states.findIndex((state) => isSameState(actual, state));
  if (older >= 0) return { verdict: "lost", detail: [`the tree is that of commit ${older}`] };
  const expected = legal.at(-1) as TreeState;
  return { verdict: "mixed", detail: differenceOf(actual, expected).slice(0, 8) };
}

async function examineAgain(committer: Committer, root: string): Promise<Judgement> {
  const before = treeStateOf(root);
  try {
    await committer.recover(root);
  } catch (error) {
    return { verdict: "unstable", detail: [`the second recovery: ${describe(error)}`] };
  }
  const detail = differenceOf(treeStateOf(root), before);
  if (detail.length > 0) return { verdict: "unstable", detail };
  return examineStore(join(root, ".draftfs", "checkpoints.git"));
}

function examineStore(store: string): Judgement {
  if (!fs.existsSync(store)) return { verdict: "sound", detail: [] };
  try {
    execFileSync("git", ["--git-dir", store, "fsck", "--strict", "--full", "--no-progress"], {
      stdio: "pipe",
    });
    return { verdict: "sound", detail: [] };
  } catch (error) {
    return { verdict: "store", detail: [describe(error)] };
  }
}

/** Whether another program would see content now that nobody ever wrote. */
function isExposed(root: string, states: readonly TreeState[]): boolean {
  const known = new Set(states.flatMap((state) => [...state.values()]).map(contentOf));
  return [...treeStateOf(root)].some(
    ([path, line]) =>
      line.startsWith("file") && !path.endsWith(".temporary") && !known.has(contentOf(line)),
  );
}

function contentOf(line: string): string {
  return line.split(" ")[2] ?? "";
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const places = error.stack?.split("\n").filter((line) => line.startsWith("    at ")) ?? [];
  return [error.message, ...places.slice(0, 3)].join("\n");
}
