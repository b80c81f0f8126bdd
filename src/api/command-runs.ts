import { checkOptions, invalid, kindOf } from "../check-options.ts";
import { untilIdle } from "../engines/stream/until-idle.ts";
import { DraftError } from "../errors.ts";
import type { Meter } from "../metrics/meter.ts";
import type { Layer } from "../overlay/layer.ts";
import {
  type RunOptions,
  type RunResult,
  Session,
  type SpawnedCommand,
} from "../sandbox/session.ts";
import type { Isolation, SessionOptions } from "../sandbox/session-options.ts";
import type { CommandLog } from "./command-log.ts";
import { reportOfCheck, reportOfFailure } from "./operation-reports.ts";
import { runNames } from "./option-names.ts";

/** How to run a command; all of it optional. */
export interface OverlayRunOptions extends RunOptions {
  /** Weakest isolation that is acceptable, for the first command; `enforced` by default. */
  readonly require?: Isolation;
}

export interface CommandRunsParts {
  readonly layer: Layer;
  readonly sandbox: SessionOptions;
  /** Takes note of every command that has ended. */
  readonly log: CommandLog;
  readonly meter: Meter;
  /** Whether commands may run at the same time; otherwise each waits for the one before it. */
  readonly isParallel: boolean;
}

/** The commands that run over an overlay: they share one session, which the first one starts. */
export class CommandRuns {
  readonly #parts: CommandRunsParts;
  #session: Session | undefined;
  #isClosed = false;
  /** The end of the last command, for those that run one at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: CommandRunsParts) {
    this.#parts = parts;
  }

  /** See `Overlay.spawn()`. */
  spawn(
    command: string,
    args: readonly string[],
    options: OverlayRunOptions,
  ): Promise<SpawnedCommand> {
    if (typeof command !== "string" || command === "") {
      const given = command === "" ? "an empty string" : kindOf(command);
      throw invalid(`A command is the name or the path of a program, not ${given}.`);
    }
    if (!Array.isArray(args)) {
      const example = 'run("npm", ["test"], { timeoutMs: 60_000 })';
      throw invalid(`The arguments of a command are a list, as in ${example}.`);
    }
    checkOptions("run", options, runNames);
    const start = async (): Promise<SpawnedCommand> => {
      await untilIdle(this.#parts.layer);
      const spawning = this.#sessionFor(options.require).spawn(command, args, options);
      const result = this.#noting(spawning.then((spawned) => spawned.result));
      return { ...(await spawning), result };
    };
    if (this.#parts.isParallel) return start();
    const spawned = this.#last.then(start);
    this.#last = spawned.then(({ result }) => result).catch(() => undefined);
    return spawned;
  }

  /** See `Overlay.shell()`. */
  shell(options: OverlayRunOptions): Promise<RunResult> {
    checkOptions("shell", options, runNames);
    const start = async () => {
      await untilIdle(this.#parts.layer);
      return this.#noting(this.#sessionFor(options.require).shell(options));
    };
    if (this.#parts.isParallel) return start();
    const shell = this.#last.then(start);
    this.#last = shell.catch(() => undefined);
    return shell;
  }

  /** Takes what they have changed so far into the layer. */
  async harvest(): Promise<void> {
    await this.#session?.harvest();
  }

  /** Ends what runs, after a last harvest: the next command starts a new namespace. */
  async suspend(): Promise<void> {
    await this.#session?.suspend();
  }

  /** Ends what runs, without a harvest. */
  async end(): Promise<void> {
    await this.#session?.close();
    this.#session = undefined;
  }

  /** {@link CommandRuns.end}, and nothing runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.end();
  }

  #sessionFor(require: Isolation | undefined): Session {
    const { layer, sandbox } = this.#parts;
    if (this.#isClosed) {
      throw new DraftError("DRAFT_SANDBOX_FAILED", "Cannot run a command: the overlay is closed.", {
        path: layer.root,
      });
    }
    this.#session ??= new Session(layer, {
      ...sandbox,
      ...(require === undefined ? {} : { require }),
    });
    return this.#session;
  }

  /** Takes note of a command once it has ended. */
  #noting(result: Promise<RunResult>): Promise<RunResult> {
    const { meter, log } = this.#parts;
    const measured = meter.measure(
      { name: "run", sizeBytes: 0 },
      () => result,
      () => reportOfCheck(),
      (error) => reportOfFailure(error),
    );
    const noted = measured.then((end) => {
      log.add(end);
      return end;
    });
    // Whoever only wants the streams need not listen to the result.
    noted.catch(() => {});
    return noted;
  }
}
