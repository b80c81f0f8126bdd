import type { ReadStream } from "node:tty";
import type { Terminal } from "./terminal.ts";

/** Where a command reads and writes. */
export interface CommandContext {
  /** Results: the only thing on standard output. */
  readonly out: Terminal;
  /** Progress, questions and messages. */
  readonly err: Terminal;
  readonly input: ReadStream;
}

/** The options that every command has. */
export interface CommonOptions {
  /** The root; default: the working directory. */
  readonly directory?: string;
  /** Name of the draft; default: `main`. */
  readonly draft?: string;
  readonly json?: boolean;
  readonly force?: boolean;
  readonly trustOwner?: boolean;
}

/** What a command module exports: executes it and returns the exit code. */
export type Execute<Options> = (context: CommandContext, options: Options) => Promise<number>;
