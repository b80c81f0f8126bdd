import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stateDirectoryName } from "../disk/state-directory.ts";
import { treePathOf } from "../disk/tree-path.ts";
import type { Layer } from "../overlay/layer.ts";
import { type CommandLine, findProgram } from "./command.ts";
import { filteredEnvironment } from "./command-environment.ts";
import { type HarvestedChange, harvestUpper } from "./harvest.ts";
import type { LentContents } from "./lent-contents.ts";
import { Mirror } from "./mirror.ts";
import { toolPath } from "./namespace.ts";
import { PinnedTree } from "./pinned-tree.ts";
import { isHidden, pushPending, type Retracted } from "./push.ts";
import type { SessionOptions } from "./session-options.ts";
import type { Workspace } from "./workspace.ts";

const prefix = "draftfs-clone-";

/**
 * The engine `clone`: commands run in a copy of the tree, which is compared by stats afterwards.
 * Works everywhere, costs time in proportion to the tree, and cannot stop a command that names the
 * real tree by its absolute path. Never by hard links: writing in place would change the tree.
 */
export class CloneWorkspace implements Workspace {
  readonly engine = "clone";
  readonly isolation = "cooperative";
  readonly notes = [
    "The command runs in a copy: it sees another path, and what it writes to the real tree by an " +
      "absolute path is not held back.",
  ];
  readonly warnings = [];
  readonly isAlive = true;
  readonly #layer: Layer;
  readonly #options: SessionOptions;
  readonly #contents: LentContents;
  readonly #directory: string;
  readonly #descriptor: number;
  readonly #tree: PinnedTree;
  readonly #mirror = new Mirror();
  readonly #startedNs: bigint;
  #isStopped = false;

  constructor(context: { layer: Layer; options: SessionOptions; contents: LentContents }) {
    this.#layer = context.layer;
    this.#options = context.options;
    this.#contents = context.contents;
    removeAbandoned();
    this.#startedNs = BigInt(Date.now()) * 1_000_000n;
    this.#directory = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
    try {
      copyTree(this.#layer.root, this.#copy);
      rmSync(join(this.#copy, stateDirectoryName), { recursive: true, force: true });
      this.#descriptor = openSync(this.#copy, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch (error) {
      removeCopy(this.#directory);
      throw error;
    }
    this.#tree = new PinnedTree(this.#descriptor);
    this.#recordAll("");
  }

  push(): Retracted {
    return pushPending({
      layer: this.#layer,
      view: this.#tree,
      upper: this.#tree,
      mirror: this.#mirror,
      mayChangeOwner: process.geteuid?.() === 0,
      isDenied: () => false,
    });
  }

  harvest(isLive: boolean): HarvestedChange[] {
    return harvestUpper({
      layer: this.#layer,
      view: this.#tree,
      upper: this.#tree,
      mirror: this.#mirror,
      startedNs: this.#startedNs,
      contents: this.#contents,
      isLive,
      isComplete: true,
      writtenByMap: "none",
    });
  }

  lineOf(command: readonly string[], cwd: string): CommandLine {
    const directory = this.#placeOf(cwd);
    // A child of the launcher, as with the other engines, so that signals find it alike.
    const script = 'cd -- "$1" && shift && "$@"; exit $?';
    const shell = findProgram("sh", toolPath(process.env["PATH"]));
    return { launcher: [shell, "-c", script, "draftfs", directory], command };
  }

  environmentOf(cwd: string, extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return { ...filteredEnvironment(this.#options), ...extra, PWD: this.#placeOf(cwd) };
  }

  unsettle(): void {
    this.#contents.settle();
  }

  /** Processes left behind are not known here. */
  async quiesce(): Promise<void> {}

  freeBytes(): number {
    const stats = statfsSync(this.#directory);
    return stats.bavail * stats.bsize;
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#contents.settle();
    closeSync(this.#descriptor);
    removeCopy(this.#directory);
  }

  get #copy(): string {
    return join(this.#directory, "tree");
  }

  #placeOf(cwd: string): string {
    const path = treePathOf(this.#layer.root, cwd);
    return path === undefined ? cwd : join(this.#copy, path);
  }

  /** Everything in the copy is known; what differs later is a command's work. */
  #recordAll(path: string): void {
    for (const name of this.#tree.readdir(path)) {
      const child = path === "" ? name : `${path}/${name}`;
      if (isHidden(child)) continue;
      const stats = this.#tree.lstat(child);
      if (stats === undefined) continue;
      const node = this.#mirror.ensure(child);
      node.record(stats);
      if (!stats.isDirectory()) continue;
      node.merge = { lower: child, isMoved: false };
      this.#recordAll(child);
    }
  }
}

/** With modes, times, links and, for root, owners; sharing blocks where the file system can. */
function copyTree(source: string, target: string): void {
  mkdirSync(target);
  const words = process.platform === "linux" ? ["-a", "--reflink=auto"] : ["-Rp"];
  execFileSync("cp", [...words, `${source}/.`, target], { stdio: ["ignore", "ignore", "pipe"] });
}

/** A command may have left directories in which not even their owner may remove anything. */
function removeCopy(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch {
    // It follows no link below.
    spawnSync("chmod", ["-R", "u+rwX", directory], { stdio: "ignore" });
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Copies of processes that were killed before they could remove them. */
function removeAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`) || process.platform !== "linux") continue;
    try {
      removeCopy(join(tmpdir(), name));
    } catch {
      // Another user's.
    }
  }
}
