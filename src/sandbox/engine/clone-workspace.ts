import { closeSync, constants, openSync, statfsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { treePathOf } from "../../disk/tree-path.ts";
import type { Layer } from "../../overlay/layer.ts";
import { type CommandLine, findProgram } from "../command/command.ts";
import { filteredEnvironment } from "../command/command-environment.ts";
import { harvestUpper } from "../harvest/harvest.ts";
import type { HarvestedChange } from "../harvest/harvested-change.ts";
import type { LentContents } from "../harvest/lent-contents.ts";
import { Mirror } from "../harvest/mirror.ts";
import { PinnedTree } from "../harvest/pinned-tree.ts";
import { isHidden, pushPending, type Retracted } from "../harvest/push.ts";
import { lostBesideCopy } from "../namespace/lost-places.ts";
import { LostWrites } from "../namespace/lost-writes.ts";
import { toolPath } from "../namespace/namespace.ts";
import type { SessionOptions } from "../session-options.ts";
import type { Workspace } from "../workspace.ts";
import { CloneDirectory } from "./clone-directory.ts";
import { ClonedFiles } from "./cloned-files.ts";

interface CloneContext {
  readonly layer: Layer;
  readonly options: SessionOptions;
  readonly contents: LentContents;
}

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
  readonly isAlive = true;
  readonly #layer: Layer;
  readonly #options: SessionOptions;
  readonly #contents: LentContents;
  readonly #copy: CloneDirectory;
  readonly #descriptor: number;
  readonly #tree: PinnedTree;
  readonly #beside: LostWrites;
  readonly #mirror = new Mirror();
  readonly #cloned = new ClonedFiles();
  readonly #startedNs: bigint;
  #isStopped = false;

  private constructor(context: CloneContext) {
    this.#layer = context.layer;
    this.#options = context.options;
    this.#contents = context.contents;
    this.#startedNs = BigInt(Date.now()) * 1_000_000n;
    this.#copy = CloneDirectory.of(this.#layer.root);
    this.#descriptor = openSync(this.#copy.tree, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#tree = new PinnedTree(this.#descriptor);
    const { tree } = this.#copy;
    this.#beside = new LostWrites(lostBesideCopy(dirname(tree), basename(tree)));
    this.#recordAll("");
  }

  /** Copies the tree, which takes time in proportion to it. */
  static async start(context: CloneContext): Promise<CloneWorkspace> {
    const workspace = new CloneWorkspace(context);
    await sleep(workspace.#cloned.freshForMs());
    return workspace;
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
      // What came into the tree later is not in the copy.
      listedNs: this.#startedNs,
      contents: this.#contents,
      isLive,
      isComplete: true,
      writtenByMap: "none",
      origins: (_path, stats) => this.#cloned.originOf(stats),
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

  warnings(): readonly string[] {
    return this.#beside.look();
  }

  /** Processes left behind are not known here. */
  async quiesce(): Promise<void> {}

  freeBytes(): number {
    const stats = statfsSync(this.#copy.tree);
    return stats.bavail * stats.bsize;
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#contents.settle();
    this.#isStopped = true;
    closeSync(this.#descriptor);
    this.#beside.close();
    this.#copy.remove();
  }

  #placeOf(cwd: string): string {
    const path = treePathOf(this.#layer.root, cwd);
    return path === undefined ? cwd : join(this.#copy.tree, path);
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
      if (!stats.isDirectory()) {
        this.#cloned.record(child, stats);
        continue;
      }
      node.merge = { lower: child, isMoved: false };
      this.#recordAll(child);
    }
  }
}
