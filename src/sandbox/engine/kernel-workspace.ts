import { statfsSync } from "node:fs";
import { release } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { mountsInside, readMountTable } from "../../disk/mount-table.ts";
import { DraftError } from "../../errors.ts";
import type { Layer } from "../../overlay/layer.ts";
import { wayTo } from "../../ways.ts";
import { type CommandLine, findProgram } from "../command/command.ts";
import { commandEnvironment } from "../command/command-environment.ts";
import { ServedUpper } from "../fuse/served-upper.ts";
import { harvestUpper } from "../harvest/harvest.ts";
import type { HarvestedChange } from "../harvest/harvested-change.ts";
import type { LentContents } from "../harvest/lent-contents.ts";
import { Mirror } from "../harvest/mirror.ts";
import { readRedirects } from "../harvest/overlay-redirects.ts";
import { PinnedTree } from "../harvest/pinned-tree.ts";
import { pushPending, type Retracted } from "../harvest/push.ts";
import { ViewWatch } from "../harvest/view-watch.ts";
import { deniedMatcher, findDenied } from "../namespace/denied-paths.ts";
import { Namespace, toolPath } from "../namespace/namespace.ts";
import { planNamespace } from "../namespace/namespace-plan.ts";
import type { NamespacePlan } from "../namespace/namespace-script.ts";
import type { SessionOptions } from "../session-options.ts";
import { StartFailure } from "../start-failure.ts";
import type { Workspace } from "../workspace.ts";
import { foreignEntries } from "./foreign-entries.ts";

export type NamespaceEngine = "overlay" | "overlay-user" | "fuse";

interface NamespaceContext {
  readonly engine: NamespaceEngine;
  readonly layer: Layer;
  readonly options: SessionOptions;
  readonly contents: LentContents;
}

/** A file system stamps changes with a clock that lags by up to one tick of 100 Hz. */
const clockTickMs = 10;

/** Engines that cover the tree in a namespace: kernel overlayfs, or a FUSE server. */
export class KernelWorkspace implements Workspace {
  readonly engine: NamespaceEngine;
  readonly isolation = "enforced";
  readonly notes: readonly string[];
  readonly #idle: readonly string[];
  readonly #layer: Layer;
  readonly #options: SessionOptions;
  readonly #namespace: Namespace;
  readonly #contents: LentContents;
  readonly #startedNs: bigint;
  readonly #view: PinnedTree;
  readonly #upper: PinnedTree;
  readonly #mirror = new Mirror();
  readonly #isDenied: (path: string) => boolean;
  readonly #watch: ViewWatch;
  readonly #served: ServedUpper | undefined;

  private constructor(
    namespace: Namespace,
    startedNs: bigint,
    context: NamespaceContext & { readonly idle: readonly string[] },
  ) {
    this.engine = context.engine;
    this.#namespace = namespace;
    this.#startedNs = startedNs;
    this.#layer = context.layer;
    this.#options = context.options;
    this.#contents = context.contents;
    const { denyRead, deniedLinks } = namespace.plan;
    this.#isDenied = deniedMatcher(context.layer.root, denyRead, deniedLinks);
    this.#view = new PinnedTree(namespace.viewDescriptor);
    this.#upper = new PinnedTree(namespace.upperDescriptor);
    this.#watch = new ViewWatch(this.#view);
    const { viewDescriptor, upperName } = namespace;
    if (context.engine === "fuse") {
      const owner = namespace.plan.privileged ? undefined : ownIds();
      this.#served = new ServedUpper({ viewDescriptor, upperName, owner });
    }
    this.notes = notesOn(namespace.plan);
    this.#idle = context.idle;
  }

  /** @throws {Error} when this machine or this tree does not allow it; nothing is left behind. */
  static async start(context: NamespaceContext): Promise<KernelWorkspace> {
    const { layer, options, engine } = context;
    const openedMs = Date.now();
    const inside = mountsInside(readMountTable(), layer.root);
    if (inside.length > 0 && engine !== "fuse") {
      const paths = inside.map(({ path }) => path).join(", ");
      const message = `the tree holds mounts, which an overlay cannot show: ${paths}`;
      throw new StartFailure("mounts-inside", message);
    }
    const denials = findDenied(layer, options.denyRead ?? []);
    const plan = planNamespace({
      ...options,
      root: layer.root,
      tree: engine === "fuse" ? "fuse" : "overlay",
      privileged: engine !== "overlay-user" && process.geteuid?.() === 0,
      uncommittedBytesMax: options.uncommittedBytesMax,
      denials,
    });
    const namespace = await Namespace.start(plan);
    const idle = denials.idle.map(idleWarning);
    return new KernelWorkspace(namespace, await settledStart(openedMs), { ...context, idle });
  }

  get isAlive(): boolean {
    return this.#namespace.isAlive;
  }

  push(): Retracted {
    this.#watch.drain();
    return this.#whileServed(() =>
      pushPending({
        layer: this.#layer,
        view: this.#view,
        upper: this.#upper,
        mirror: this.#mirror,
        mayChangeOwner: this.#namespace.plan.privileged,
        isDenied: this.#isDenied,
      }),
    );
  }

  harvest(isLive: boolean, sinceMs: number): HarvestedChange[] {
    return this.#whileServed(() => this.#harvest(isLive, sinceMs));
  }

  /** What the errors of a tree mean that is not there any more, or has no room. */
  #whileServed<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOSPC") throw outOfMemory(this.#layer.root, error);
      if (code !== "ENOTCONN" && code !== "ECONNABORTED" && this.isAlive) throw error;
      this.#namespace.abandon();
      throw this.#namespace.lost();
    }
  }

  #harvest(isLive: boolean, sinceMs: number): HarvestedChange[] {
    const { tree } = this.#namespace.plan;
    const source = {
      layer: this.#layer,
      view: this.#view,
      upper: this.#upper,
      mirror: this.#mirror,
      startedNs: this.#startedNs,
      listedNs: BigInt(sinceMs - clockTickMs) * 1_000_000n,
      contents: this.#contents,
      isLive,
      isComplete: false,
      // A FUSE server is told of pages that were written by a map, and knows the time of it.
      writtenByMap: writtenByMap[tree],
    };
    if (this.#served !== undefined) {
      const look = this.#served.look(!isLive && this.#mirror.isSettled);
      return harvestUpper({
        ...source,
        touched: look.isPartial ? look : undefined,
        nodeAt: (path) => look.nodeAt(path),
        readNames: (path) => look.names(path),
        readRedirect: (path) => look.redirect(path),
        readForeign: (path) => look.foreign(path),
        origins: (path) => look.origin(path),
      });
    }
    const isMarked = this.engine === "overlay" || keepsUserAttributes;
    const origins = isMarked ? "marked" : "shown";
    const kernel = { ...source, watch: this.#watch, origins } as const;
    if (this.engine === "overlay-user") return harvestUpper(kernel);
    const { upperDescriptor } = this.#namespace;
    const readRedirect = (path: string): string | undefined =>
      readRedirects(upperDescriptor, [path]).get(path);
    return harvestUpper({ ...kernel, readRedirect });
  }

  lineOf(command: readonly string[], cwd: string): CommandLine {
    const path = toolPath(process.env["PATH"]);
    const { pid, plan, viewDescriptor } = this.#namespace;
    const launcher = [findProgram("nsenter", path), "-t", String(pid), "-m", "-p", "-i"];
    if (plan.loopback) launcher.push("-n");
    launcher.push(plan.privileged ? `--user=/proc/${pid}/fd/7` : "-U", "--preserve-credentials");
    // nsenter looks its working directory up outside: by descriptor it is the namespace's all the
    // same. Every other one is looked up inside, by unshare: a name would lead to the real tree.
    const isTop = cwd === plan.root;
    if (isTop) launcher.push(`--wd=/proc/${process.pid}/fd/${viewDescriptor}`);
    launcher.push("--");
    const become = plan.privileged
      ? []
      : ["-U", `--map-user=${process.geteuid?.()}`, `--map-group=${process.getegid?.()}`];
    if (!isTop) become.push(`--wd=${cwd}`);
    if (become.length > 0) launcher.push(findProgram("unshare", path), ...become, "--");
    return { launcher, command };
  }

  environmentOf(cwd: string, extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return commandEnvironment(this.#options, this.#namespace.plan, { ...extra, PWD: cwd });
  }

  unsettle(): void {
    this.#contents.settle();
  }

  quiesce(): Promise<void> {
    return this.#namespace.quiesce();
  }

  warnings(): string[] {
    return [...this.#idle, ...this.#namespace.lostWrites.flatMap((writes) => writes.look())];
  }

  freeBytes(): number {
    const stats = statfsSync(`/proc/self/fd/${this.#namespace.upperDescriptor}/.`);
    return stats.bavail * stats.bsize;
  }

  async stop(): Promise<void> {
    // With the server go the bytes that only it could show.
    if (this.#namespace.plan.tree === "fuse") this.#contents.settle();
    this.#watch.close();
    return this.#namespace.stop();
  }
}

/** Whether a tmpfs keeps attributes of users, and so the marks of their overlays (Linux 6.6). */
const keepsUserAttributes = ((): boolean => {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 6);
})();

function ownIds(): { readonly uid: number; readonly gid: number } {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

const writtenByMap = { overlay: "accessed", fuse: "none" } as const;

function outOfMemory(root: string, cause: unknown): DraftError {
  return new DraftError(
    "DRAFT_SANDBOX_FAILED",
    "The memory for uncommitted writes is full: what is pending cannot be shown to commands. " +
      `Raise that limit with ${wayTo("limitWrites")}, or commit more often.`,
    { path: root, cause },
  );
}

function idleWarning(glob: string): string {
  return `Nothing is denied by the pattern ${glob}: it matches no file that is there now.`;
}

function notesOn({ tree, privileged, root, notes }: NamespacePlan): string[] {
  if (privileged || tree === "fuse") return [...notes];
  const renames =
    "Renaming a directory that is on the disk fails with EXDEV, as between two disks; mv copies " +
    "then, git mv gives up. The engine fuse renames it.";
  return [...notes, renames, ...ownerNotes(root)];
}

/**
 * The moment from which changes of the lower count as concurrent. It lies after the session was
 * asked for, so that what the caller wrote just before does not count; and no command runs before a
 * tick has passed since, so that whatever is changed under one has a later time.
 */
async function settledStart(openedMs: number): Promise<bigint> {
  const startedMs = openedMs + 1;
  const missingMs = startedMs + clockTickMs - Date.now();
  // Timers count whole milliseconds, and may end one early.
  if (missingMs > 0) await sleep(missingMs + 1);
  return BigInt(startedMs) * 1_000_000n;
}

/** In a namespace of one user nobody else's files can be changed (the kernel answers EOVERFLOW). */
function ownerNotes(root: string): string[] {
  const foreign = foreignEntries(root);
  if (foreign.length === 0) return [];
  const names = foreign.slice(0, 3).join(", ");
  return [
    `${foreign.length} entries of the root belong to another user or group (${names}); a command ` +
      "can read and delete them, but changing them fails with EOVERFLOW. Run as their owner, as " +
      "root, or where /dev/fuse may be opened.",
  ];
}
