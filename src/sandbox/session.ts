import type { ChildProcess } from "node:child_process";
import { isAbsolute, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type TreePath, treePathOf } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";
import type { Layer } from "../overlay/layer.ts";
import {
  type CommandEnd,
  type CommandLine,
  type CommandOptions,
  findProgram,
  limitWords,
  RunningCommand,
} from "./command.ts";
import { commandEnvironment } from "./command-environment.ts";
import { type HarvestedChange, harvestUpper } from "./harvest.ts";
import { Mirror } from "./mirror.ts";
import { Namespace, toolPath } from "./namespace.ts";
import { planNamespace } from "./namespace-plan.ts";
import { readRedirects } from "./overlay-redirects.ts";
import { PinnedTree } from "./pinned-tree.ts";
import { pushPending } from "./push.ts";
import { type IsolationAttempt, isolationError, remedyFor } from "./sandbox-error.ts";
import type { Engine, Isolation, SessionOptions } from "./session-options.ts";

export interface RunOptions extends CommandOptions {
  /** Directory to run in: absolute, or relative to the root (the default). */
  readonly cwd?: string;
  /** Lets processes that the command leaves behind live on; default: they are killed. */
  readonly keepDaemons?: boolean;
}

/** What a command did, and under which isolation. */
export interface RunResult extends CommandEnd {
  readonly engine: Engine;
  readonly isolation: Isolation;
  /** Paths that it changed, as they are now in the layer. */
  readonly changes: readonly HarvestedChange[];
  /** Number of the command in its session, from 1. */
  readonly commandId: number;
}

/** A command that is running; its streams are those of `child`. */
export interface SpawnedCommand {
  readonly child: ChildProcess;
  /** Resolves when it has ended and its changes are in the layer. */
  readonly result: Promise<RunResult>;
  /** Sends a signal to the command itself. */
  kill(signal: NodeJS.Signals): void;
}

/** A file system stamps changes with a clock that lags by up to one tick of 100 Hz. */
const clockTickMs = 10;

/** How often changes of the API are brought to a running command, in milliseconds. */
const coherenceMs = 25;

/** Opens a session over a layer. The namespace starts with the first command. */
export async function openSession(layer: Layer, options: SessionOptions = {}): Promise<Session> {
  return new Session(layer, options);
}

/**
 * Commands over one layer. The layer stays the source of truth: what is pending is pushed into the
 * namespace before a command runs, and what the command changed is harvested when it has ended.
 *
 * The lower must not be changed under a running namespace: `suspend()` before a commit.
 */
export class Session implements AsyncDisposable {
  readonly layer: Layer;
  readonly #options: SessionOptions;
  #active: ActiveNamespace | undefined;
  #starting: Promise<ActiveNamespace> | undefined;
  #running = 0;
  #lastCommandId = 0;
  #hasDaemons = false;
  #isClosed = false;

  constructor(layer: Layer, options: SessionOptions) {
    this.layer = layer;
    this.#options = options;
  }

  /** The engine in use; `undefined` before the first command. */
  get engine(): Engine | undefined {
    return this.#active?.engine;
  }

  /**
   * Runs a command over the layer and takes what it changed into the layer.
   *
   * @throws {DraftError} `DRAFT_ISOLATION` when no engine can isolate it: then nothing was run;
   *   `DRAFT_SANDBOX_FAILED` when the namespace ended under it.
   */
  async run(
    command: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<RunResult> {
    const spawned = await this.spawn(command, args, options);
    return spawned.result;
  }

  /** Like {@link Session.run}, but returns as soon as the command runs. */
  async spawn(
    command: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<SpawnedCommand> {
    const active = await this.#ready();
    const line = this.#lineOf(active, [command, ...args], options);
    const env = commandEnvironment(this.#options, active.namespace.plan, options.env);
    env["PWD"] = this.#directoryOf(options.cwd);
    this.#running += 1;
    const commandId = ++this.#lastCommandId;
    const running = new RunningCommand(line, { ...options, env });
    const timer = setInterval(() => this.push(), coherenceMs);
    timer.unref();
    const result = running.ended
      .finally(() => {
        clearInterval(timer);
        this.#running -= 1;
      })
      .then((end) => this.#finish(active, end, commandId, options.keepDaemons === true));
    // Whoever only wants the streams need not listen to the result.
    result.catch(() => {});
    return { child: running.child, result, kill: (signal) => running.kill(signal) };
  }

  /** Runs the user's shell at the terminal. */
  shell(options: RunOptions = {}): Promise<RunResult> {
    const shell = process.env["SHELL"] ?? "/bin/sh";
    return this.run(shell, [], { ...options, stdio: "inherit" });
  }

  /** Makes changes of the API visible to commands that run now. */
  push(): void {
    const active = this.#active;
    if (active === undefined || !active.namespace.isAlive) return;
    pushPending({ ...active, layer: this.layer });
  }

  /**
   * Takes what commands have changed so far into the layer. While one is running, files that it is
   * just writing may be incomplete; they are looked at again when it has ended.
   */
  async harvest(): Promise<readonly HarvestedChange[]> {
    const active = this.#active;
    if (active === undefined) return [];
    const isLive = this.#running > 0 || this.#hasDaemons;
    return this.#harvest(active, isLive);
  }

  /** Ends the namespace after a last harvest; the next command starts a new one. */
  async suspend(): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    if (active.namespace.isAlive) {
      await active.namespace.quiesce();
      this.#hasDaemons = false;
      this.#harvest(active, false);
    }
    this.#active = undefined;
    await active.namespace.stop();
  }

  /** Ends the namespace with all that runs in it. What was harvested stays in the layer. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const active = this.#active ?? (await this.#starting?.catch(() => undefined));
    this.#active = undefined;
    await active?.namespace.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #finish(
    active: ActiveNamespace,
    end: CommandEnd,
    commandId: number,
    keepDaemons: boolean,
  ): Promise<RunResult> {
    this.#hasDaemons ||= keepDaemons;
    const isLive = this.#running > 0 || this.#hasDaemons;
    if (!isLive) await active.namespace.quiesce();
    const changes = this.#harvest(active, isLive);
    return { ...end, engine: active.engine, isolation: "enforced", changes, commandId };
  }

  #harvest(active: ActiveNamespace, isLive: boolean): HarvestedChange[] {
    // First what the API changed meanwhile: the mirror knows one truth at a time.
    pushPending({ ...active, layer: this.layer });
    const readRedirect = (path: TreePath): string | undefined =>
      readRedirects(active.namespace.upperDescriptor, [path]).get(path);
    const source = { ...active, layer: this.layer, isLive };
    return harvestUpper(active.engine === "overlay" ? { ...source, readRedirect } : source);
  }

  /** A running namespace that shows what the layer holds. */
  async #ready(): Promise<ActiveNamespace> {
    if (this.#isClosed) {
      throw new DraftError("DRAFT_SANDBOX_FAILED", "Cannot run a command: the session is closed.", {
        path: this.layer.root,
      });
    }
    const active = await this.#started();
    const retracted = pushPending({ ...active, layer: this.layer });
    if (retracted.length === 0) return active;
    if (this.#running > 0) {
      throw new DraftError(
        "DRAFT_SANDBOX_FAILED",
        `Cannot run a command: ${retracted[0]} was rolled back while another command runs. ` +
          "Wait until that one has ended.",
        { path: this.layer.root },
      );
    }
    this.#active = undefined;
    await active.namespace.stop();
    const fresh = await this.#started();
    pushPending({ ...fresh, layer: this.layer });
    return fresh;
  }

  async #started(): Promise<ActiveNamespace> {
    if (this.#active?.namespace.isAlive === true) return this.#active;
    this.#starting ??= startNamespace(this.layer.root, this.#options).finally(() => {
      this.#starting = undefined;
    });
    this.#active = await this.#starting;
    return this.#active;
  }

  #lineOf(active: ActiveNamespace, words: string[], options: RunOptions): CommandLine {
    const path = toolPath(process.env["PATH"]);
    const { pid, plan } = active.namespace;
    const enter = [findProgram("nsenter", path), "-t", String(pid), "-m", "-p", "-i"];
    if (plan.loopback) enter.push("-n");
    enter.push(plan.privileged ? `--user=/proc/${pid}/fd/7` : "-U", "--preserve-credentials", "--");
    const user = plan.privileged
      ? []
      : ["-U", `--map-user=${process.geteuid?.()}`, `--map-group=${process.getegid?.()}`];
    // `--wd` of unshare, not of nsenter: that one would be looked up outside, on the real tree.
    const become = [findProgram("unshare", path), ...user];
    const launcher = [...enter, ...become, `--wd=${this.#directoryOf(options.cwd)}`, "--"];
    return { launcher, command: [...limitWords(options.limits ?? {}, path), ...words] };
  }

  #directoryOf(cwd: string | undefined): string {
    if (cwd === undefined) return this.layer.root;
    const directory = isAbsolute(cwd) ? cwd : resolve(this.layer.root, cwd);
    if (treePathOf(this.layer.root, directory) !== undefined) {
      const stats = this.layer.fs.statSync(directory);
      if (stats.isDirectory()) return directory;
      throw new DraftError("DRAFT_SANDBOX_FAILED", `Cannot run in ${directory}: not a directory.`, {
        path: directory,
      });
    }
    return directory;
  }
}

/** A namespace and what is known of its upper. */
interface ActiveNamespace {
  readonly namespace: Namespace;
  readonly engine: Engine;
  readonly view: PinnedTree;
  readonly upper: PinnedTree;
  readonly mirror: Mirror;
  readonly startedNs: bigint;
  readonly mayChangeOwner: boolean;
}

async function startNamespace(root: string, options: SessionOptions): Promise<ActiveNamespace> {
  const openedMs = Date.now();
  const attempts: IsolationAttempt[] = [];
  for (const engine of candidateEngines(options)) {
    const privileged = engine === "overlay";
    const { uncommittedBytesMax, ...containment } = options;
    const plan = planNamespace({ ...containment, root, privileged, uncommittedBytesMax });
    try {
      const namespace = await Namespace.start(plan);
      return {
        namespace,
        engine,
        view: new PinnedTree(namespace.viewDescriptor),
        upper: new PinnedTree(namespace.upperDescriptor),
        mirror: new Mirror(),
        startedNs: await settledStart(openedMs),
        mayChangeOwner: privileged,
      };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      attempts.push({ engine, reason, remedy: remedyFor(reason) });
    }
  }
  throw isolationError(root, attempts);
}

/**
 * The moment from which changes of the lower count as concurrent. No command has run before it, and
 * it lies more than a tick after the session was asked for, so that what the caller wrote just
 * before does not count.
 */
async function settledStart(openedMs: number): Promise<bigint> {
  const missingMs = openedMs + 2 * clockTickMs + 1 - Date.now();
  if (missingMs > 0) await sleep(missingMs);
  return BigInt(Date.now() - clockTickMs) * 1_000_000n;
}

function candidateEngines(options: SessionOptions): Engine[] {
  if (options.engine !== undefined) return [options.engine];
  return process.geteuid?.() === 0 ? ["overlay", "overlay-user"] : ["overlay-user"];
}
