import type { ChildProcess } from "node:child_process";
import { isAbsolute, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { treePathOf } from "../disk/tree-path.ts";
import { DraftError } from "../errors.ts";
import type { Layer } from "../overlay/layer.ts";
import { type CommandEnd, type CommandOptions, RunningCommand } from "./command/command.ts";
import { CommandLimits, type LimitInForce } from "./command/command-limits.ts";
import { endInWordsOfShell, type StartedCommand } from "./command/program-search.ts";
import { type StartedWorkspace, startWorkspace } from "./engine/engine-choice.ts";
import type { HarvestedChange } from "./harvest/harvested-change.ts";
import { LentContents } from "./harvest/lent-contents.ts";
import { limitWarnings, warningsOf } from "./run-warnings.ts";
import type { IsolationAttempt } from "./sandbox-error.ts";
import type { Engine, Isolation, SessionOptions } from "./session-options.ts";
import type { Workspace } from "./workspace.ts";

export interface RunOptions extends CommandOptions {
  /** Directory to run in: absolute, or relative to the root (the default). */
  readonly cwd?: string;
  /** Lets processes that the command leaves behind live on; default: they are killed. */
  readonly keepDaemons?: boolean;
}

/** A command of a session: who made which change. */
export interface CommandRecord {
  /** Number of the command in its session, from 1. */
  readonly id: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly startedMs: number;
  readonly elapsedMs: number;
  readonly exitCode: number;
  /**
   * Paths that it changed, as they were in the layer when it had ended. Of commands that ran at the
   * same time, the one that ended first has the changes of both.
   */
  readonly changes: readonly HarvestedChange[];
}

/** What a command did, and under which isolation. */
export interface RunResult extends CommandRecord, CommandEnd {
  readonly engine: Engine;
  readonly isolation: Isolation;
  /**
   * The engines that are better than this one, and why they did not start: as found out for this
   * session, or by an earlier one of this process in the last five minutes.
   */
  readonly passedOver: readonly IsolationAttempt[];
  /** The limits that were in force, what enforced each, and whether it was reached. */
  readonly limits: readonly LimitInForce[];
  /** What this engine does differently from the real disk, for this very tree. */
  readonly notes: readonly string[];
  /** What went wrong beside the command: memory that ran out, links that were split, limits. */
  readonly warnings: readonly string[];
}

/** A command that is running; its streams are those of `child`. */
export interface SpawnedCommand {
  readonly child: ChildProcess;
  /** Resolves when it has ended and its changes are in the layer. */
  readonly result: Promise<RunResult>;
  /** Sends a signal to the command itself. */
  kill(signal: NodeJS.Signals): void;
}

/** How often changes of the API are brought to a running command, in milliseconds. */
const coherenceMs = 25;

/** How long the streams of a command may outlive it when others go on running, in milliseconds. */
const streamGraceMs = 200;

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
  readonly #contents = new LentContents();
  readonly #history: CommandRecord[] = [];
  /** Changes that were harvested on request while their command was running. */
  readonly #early: HarvestedChange[] = [];
  #workspace: Workspace | undefined;
  #passedOver: readonly IsolationAttempt[] = [];
  #starting: Promise<StartedWorkspace> | undefined;
  /** Limits of commands that have ended, with processes that have not. */
  #lasting: CommandLimits[] = [];
  #running = 0;
  /** While left-behind processes are being killed, no command may start. */
  #quiescing: Promise<void> | undefined;
  #lastCommandId = 0;
  #hasDaemons = false;
  /** Nothing runs in the workspace, and nothing has since all that ran there was killed. */
  #isSwept = false;
  /** It was harvested since: only a push can have changed anything. */
  #isQuiet = false;
  /** When the first of the commands began whose work has not been harvested to its end. */
  #sinceMs = 0;
  #isClosed = false;

  constructor(layer: Layer, options: SessionOptions) {
    this.layer = layer;
    this.#options = options;
  }

  /** The engine in use; `undefined` before the first command. */
  get engine(): Engine | undefined {
    return this.#workspace?.engine;
  }

  /** The commands that have ended, oldest first: by them changes can be told apart. */
  get history(): readonly CommandRecord[] {
    return this.#history;
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
    while (this.#quiescing !== undefined) await this.#quiescing;
    // Counted from here on, so that the end of another command does not sweep this one away.
    this.#running += 1;
    this.#isSwept = false;
    if (this.#isQuiet) this.#sinceMs = Date.now();
    this.#isQuiet = false;
    let workspace: Workspace;
    let running: RunningCommand;
    let started: StartedCommand;
    let limits: CommandLimits | undefined;
    const startedMs = Date.now();
    try {
      workspace = await this.#ready();
      const cwd = this.#directoryOf(options.cwd);
      limits = new CommandLimits(options.limits ?? {}, options.timeoutMs);
      const line = workspace.lineOf([...limits.inner, command, ...args], cwd);
      const launcher = [...limits.outer, ...line.launcher];
      const env = workspace.environmentOf(cwd, options.env ?? {});
      running = new RunningCommand({ ...line, launcher }, { ...options, env });
      started = { program: command, cwd, env, signal: options.signal };
    } catch (error) {
      limits?.end();
      this.#running -= 1;
      throw error;
    }
    const start = { id: ++this.#lastCommandId, command, args, startedMs };
    const timer = setInterval(() => this.#pushQuietly(), coherenceMs);
    timer.unref();
    const result = running.ended
      .then((end) => endInWordsOfShell(workspace, started, end))
      .finally(() => {
        clearInterval(timer);
        this.#running -= 1;
      })
      .then(async (end) => {
        this.#hasDaemons ||= options.keepDaemons === true;
        await this.#settle(workspace, running);
        return this.#finish(workspace, start, { ...end, limits: this.#endLimits(limits, end) });
      });
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
    if (this.#workspace?.isAlive === true) this.#workspace.push();
  }

  /** Nobody hears of an error here: what could not be pushed is tried, and told, at the harvest. */
  #pushQuietly(): void {
    try {
      this.push();
    } catch {
      // Such as memory that is full, or a namespace that has just ended.
    }
  }

  /**
   * Takes what commands have changed so far into the layer. While one is running, files that it is
   * just writing may be incomplete; they are looked at again when it has ended.
   */
  async harvest(): Promise<readonly HarvestedChange[]> {
    if (this.#workspace === undefined) return [];
    // What a command has left behind lives until it has been killed.
    const isLeft = this.#workspace.isolation === "enforced" && !this.#isSwept;
    const isLive = this.#running > 0 || this.#hasDaemons || isLeft;
    const changes = this.#harvest(this.#workspace, isLive);
    if (this.#running > 0) this.#early.push(...changes);
    return changes;
  }

  /**
   * Ends the namespace after a last harvest, and with it what still runs there. The next command
   * starts a new one.
   */
  async suspend(): Promise<void> {
    const workspace = this.#workspace;
    if (workspace === undefined) return;
    if (workspace.isAlive) {
      await workspace.quiesce();
      this.#hasDaemons = false;
      this.#harvest(workspace, false);
    }
    this.#workspace = undefined;
    await workspace.stop().catch((error: unknown) => {
      // What commands wrote may be in there still.
      this.#workspace ??= workspace;
      throw error;
    });
    this.#liftLimits();
  }

  /**
   * Ends the namespace with all that runs in it, without a last harvest. Large files that were
   * harvested can be read from the layer no longer: commit or save it before.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    const starting = this.#starting?.catch(() => undefined);
    const workspace = this.#workspace ?? (await starting)?.workspace;
    this.#workspace = undefined;
    this.#contents.close();
    await workspace?.stop();
    this.#liftLimits();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #finish(
    workspace: Workspace,
    start: Pick<CommandRecord, "id" | "command" | "args" | "startedMs">,
    end: CommandEnd & Pick<RunResult, "limits">,
  ): RunResult {
    const isLive = this.#running > 0 || this.#hasDaemons;
    const harvested = this.#harvest(workspace, isLive);
    const changes = latestOf([...this.#early.splice(0), ...harvested]);
    const { exitCode, signal, isTimedOut, isTerminalLost, limits } = end;
    const elapsedMs = Date.now() - start.startedMs;
    const record: CommandRecord = { ...start, elapsedMs, exitCode, changes };
    this.#history.push(record);
    const { engine, isolation, notes } = workspace;
    const warnings = [...warningsOf(workspace, changes), ...limitWarnings(limits)];
    const how = { signal, isTimedOut, isTerminalLost, limits };
    return { ...record, ...how, engine, isolation, passedOver: this.#passedOver, notes, warnings };
  }

  /** How the limits stand; they are lifted once nothing lives under them. */
  #endLimits(limits: CommandLimits, { isTimedOut }: CommandEnd): readonly LimitInForce[] {
    const inForce = limits.inForce(isTimedOut);
    this.#lasting.push(limits);
    this.#liftLimits();
    return inForce;
  }

  #liftLimits(): void {
    this.#lasting = this.#lasting.filter((limits) => !limits.end());
  }

  /** Ends what a command has left behind, unless others run, and lets its streams run dry. */
  async #settle(workspace: Workspace, running: RunningCommand): Promise<void> {
    const isSwept = this.#running === 0 && !this.#hasDaemons && workspace.isolation === "enforced";
    if (!isSwept) {
      // What still runs may hold the streams open for ever.
      await Promise.race([running.closed, sleep(streamGraceMs, undefined, { ref: false })]);
      return;
    }
    this.#quiescing = workspace.quiesce().finally(() => {
      this.#quiescing = undefined;
    });
    await this.#quiescing;
    this.#isSwept = this.#running === 0;
    await running.closed;
  }

  #harvest(workspace: Workspace, isLive: boolean): HarvestedChange[] {
    // First what the API changed meanwhile: the mirror knows one truth at a time.
    workspace.push();
    if (this.#isQuiet) return [];
    const changes = workspace.harvest(isLive, this.#sinceMs);
    this.#isQuiet = this.#isSwept;
    return changes;
  }

  /** A running workspace that shows what the layer holds. */
  async #ready(): Promise<Workspace> {
    if (this.#isClosed) {
      throw new DraftError("DRAFT_SANDBOX_FAILED", "Cannot run a command: the session is closed.", {
        path: this.layer.root,
      });
    }
    const workspace = await this.#started();
    workspace.unsettle();
    const retracted = workspace.push();
    if (retracted.length === 0) return workspace;
    // The command that is about to start is counted already.
    if (this.#running > 1) {
      throw new DraftError(
        "DRAFT_SANDBOX_FAILED",
        `Cannot run a command: ${retracted[0]} was rolled back while another command runs. ` +
          "Wait until that one has ended.",
        { path: this.layer.root },
      );
    }
    this.#workspace = undefined;
    await workspace.stop();
    const fresh = await this.#started();
    fresh.push();
    return fresh;
  }

  async #started(): Promise<Workspace> {
    const ended = this.#workspace;
    if (ended?.isAlive === true) return ended;
    this.#workspace = undefined;
    await ended?.stop();
    const { layer } = this;
    this.#starting ??= startWorkspace({
      layer,
      options: this.#options,
      contents: this.#contents,
    }).finally(() => {
      this.#starting = undefined;
    });
    const { workspace, passedOver } = await this.#starting;
    this.#workspace = workspace;
    this.#passedOver = passedOver;
    return workspace;
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

/** Of several changes of one path, the last one. */
function latestOf(changes: readonly HarvestedChange[]): HarvestedChange[] {
  return [...new Map(changes.map((change) => [change.path, change])).values()];
}
