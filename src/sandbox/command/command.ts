import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { constants as systemConstants } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SealedStreams } from "../namespace/sealed-streams.ts";
import type { ResourceLimits } from "../session-options.ts";
import { reclaimTerminal } from "./terminal-foreground.ts";

/** How a command that ended has ended, in the words of a shell. */
export interface CommandEnd {
  /** Its exit code; 128 + n when signal n killed it; 127 when there is no such command. */
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
  readonly isTimedOut: boolean;
  /** The command took the terminal and nothing could take it back: nobody can be asked there. */
  readonly isTerminalLost: boolean;
}

export interface CommandOptions {
  /**
   * As in `child_process.spawn`; `inherit` by default. A file for its input reaches the command
   * through a pipe, since it could open the file itself again for writing; a directory is refused.
   */
  readonly stdio?: SpawnOptions["stdio"];
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the command: `SIGTERM`, and `SIGKILL` two seconds later. */
  readonly signal?: AbortSignal;
  /** Milliseconds after which the command is ended in the same way. */
  readonly timeoutMs?: number;
  readonly limits?: ResourceLimits;
  /**
   * Whether `SIGINT`, `SIGQUIT`, `SIGTERM` and `SIGHUP` sent to this process go to the command
   * instead; default: when its output goes where ours does.
   */
  readonly forwardSignals?: boolean;
}

/** Milliseconds between a polite end and a certain one. */
const graceMs = 2000;

/** The words that start a command in a namespace: those of the launcher, then its own. */
export interface CommandLine {
  readonly launcher: readonly string[];
  readonly command: readonly string[];
}

/** A command that runs behind a launcher (`nsenter` and the like), which passes its end through. */
export class RunningCommand {
  readonly child: ChildProcess;
  /** How it ended. Never rejects but for a launcher that could not be started. */
  readonly ended: Promise<CommandEnd>;
  /** Resolves when its streams are closed too; what it left behind can hold them open. */
  readonly closed: Promise<void>;
  readonly #isGroup: boolean;
  #isTimedOut = false;
  /** What Ctrl-C or Ctrl-\\ at the command's terminal has sent last. */
  #typed: NodeJS.Signals | undefined;

  constructor(line: CommandLine, options: CommandOptions) {
    const { stdio = "inherit" } = options;
    const isInteractive = isInherited(stdio) && hasTerminal();
    const words = isInteractive && canIgnoreSignals() ? ignoringInterrupts(line) : wordsOf(line);
    const [program = "", ...args] = words;
    // At a terminal the command must stay in our group: only the foreground group may read from it.
    this.#isGroup = !isInteractive;
    const streams = new SealedStreams(stdio);
    try {
      this.child = spawn(program, args, {
        stdio: streams.stdio,
        cwd: "/",
        env: options.env,
        detached: this.#isGroup,
      });
    } catch (error) {
      streams.release();
      throw error;
    }
    streams.attach(this.child);
    this.closed = new Promise((resolve) => this.child.once("close", () => resolve()));
    this.ended = this.#watch(options, isInteractive);
  }

  /** Sends a signal to the command itself, past its launcher. */
  kill(signal: NodeJS.Signals): void {
    for (const pid of this.#commandPids()) killQuietly(pid, signal);
  }

  /** `SIGTERM` to the command, `SIGKILL` to it and its group when it does not end. */
  end(): void {
    this.kill("SIGTERM");
    const timer = setTimeout(() => {
      this.kill("SIGKILL");
      if (this.#isGroup && this.child.pid !== undefined) killQuietly(-this.child.pid, "SIGKILL");
    }, graceMs);
    this.child.once("exit", () => clearTimeout(timer));
  }

  #watch(options: CommandOptions, isInteractive: boolean): Promise<CommandEnd> {
    const forward = options.forwardSignals ?? isInherited(options.stdio ?? "inherit");
    const stopForwarding = forward ? this.#forwardSignals(isInteractive) : () => {};
    const abort = (): void => this.end();
    if (options.signal?.aborted === true) abort();
    options.signal?.addEventListener("abort", abort);
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            this.#isTimedOut = true;
            this.end();
          }, options.timeoutMs);
    return new Promise<CommandEnd>((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("exit", async (code, signal) => {
        // Of a SIGINT and the end that it brings about, Node may hear of the end first: the kernel
        // puts the handler of the later signal on top. Both have been told when the turn is over.
        await nextTurn();
        // The launcher cannot pass a signal on that it ignores itself: it ends with 1 instead.
        const ended = signal ?? (code === 1 ? this.#typed : undefined);
        // As shells report it: 128 and the number of the signal.
        const exitCode = ended === undefined ? (code ?? 1) : 128 + systemConstants.signals[ended];
        const isTerminalLost = isInteractive && !reclaimTerminal();
        resolve({ exitCode, signal: ended, isTimedOut: this.#isTimedOut, isTerminalLost });
      });
    }).finally(() => {
      stopForwarding();
      options.signal?.removeEventListener("abort", abort);
      clearTimeout(timer);
    });
  }

  /** A terminal sends Ctrl-C to the command by itself; forwarding it would make it two. */
  #forwardSignals(isInteractive: boolean): () => void {
    const handlers = (["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"] as const).map((signal) => {
      const isByTerminal = isInteractive && (signal === "SIGINT" || signal === "SIGQUIT");
      const handler = (): void => {
        if (isByTerminal) this.#typed = signal;
        else this.kill(signal);
      };
      process.on(signal, handler);
      return () => process.off(signal, handler);
    });
    return () => {
      for (const stop of handlers) stop();
    };
  }

  /** The launcher forks once, into the namespace; its child is the command. */
  #commandPids(): number[] {
    const { pid } = this.child;
    if (pid === undefined || this.child.exitCode !== null) return [];
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
      const pids = children
        .split(" ")
        .map(Number)
        .filter((number) => number > 0);
      return pids.length > 0 ? pids : [pid];
    } catch {
      return [pid];
    }
  }
}

/** The absolute path of a program in a `PATH`, or its bare name when it is not there. */
export function findProgram(name: string, path: string): string {
  const known = found.get(name);
  if (known?.path === path) return known.place;
  const place = path
    .split(":")
    .map((directory) => join(directory, name))
    .find(isExecutable);
  if (place !== undefined) found.set(name, { path, place });
  return place ?? name;
}

/** Looking through a `PATH` costs as much as a quarter of starting a program. */
const found = new Map<string, { readonly path: string; readonly place: string }>();

function isExecutable(place: string): boolean {
  try {
    accessSync(place, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Ctrl-C reaches the launcher as well as the command. It must outlive a command that handles the
 * signal, so it ignores it, and the command gets the default back.
 */
function ignoringInterrupts({ launcher, command }: CommandLine): string[] {
  const ignore = ["env", "--ignore-signal=INT,QUIT"];
  return [...ignore, ...launcher, "env", "--default-signal=INT,QUIT", ...command];
}

function wordsOf({ launcher, command }: CommandLine): string[] {
  return [...launcher, ...command];
}

let canIgnore: boolean | undefined;

/** GNU env from coreutils 8.31 on; others have no such option. */
function canIgnoreSignals(): boolean {
  canIgnore ??= spawnSync("env", ["--ignore-signal=INT", "true"]).status === 0;
  return canIgnore;
}

function isInherited(stdio: SpawnOptions["stdio"]): boolean {
  return stdio === "inherit" || (Array.isArray(stdio) && stdio[1] === "inherit");
}

function hasTerminal(): boolean {
  return process.stdin.isTTY === true || process.stdout.isTTY === true;
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
