import { CommanderError } from "commander";
import { isDraftError } from "../errors.ts";
import type { CommandContext } from "./command-context.ts";
import { conflictLines } from "./conflict-view.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { programOf } from "./program.ts";
import { terminalOf } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Parses and executes one command line.
 *
 * @param args - what follows `draftfs`.
 * @returns the exit code; everything else went to the standard streams.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignoreClosedPipe);
  const context: CommandContext = {
    out: terminalOf(process.stdout, process.env),
    err: terminalOf(process.stderr, process.env),
    input: process.stdin,
  };
  let exitCode: number = exitCodes.ok;
  const program = programOf(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    return report(context, error, wantsJson(args));
  }
}

/** A reader that has seen enough (`draftfs diff | head`) is no failure. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

/** Whether `--json` stands among draftfs's own options, before any `--`. */
function wantsJson(args: readonly string[]): boolean {
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  return own.includes("--json");
}

const checksHint = "If that is meant, commit with --checks minimal.\n";

function report(context: CommandContext, error: unknown, json: boolean): number {
  const { out, err } = context;
  if (isDraftError(error)) {
    if (json) out.json({ error: error.toJSON() });
    else {
      err.write(`${err.paint("red", "draftfs:")} ${error.message}\n`);
      if (error.code === "DRAFT_CHECK_FAILED") err.write(checksHint);
      if (error.code === "DRAFT_CONFLICT") err.write(conflictLines(error.details, err));
    }
    return exitCodeOf(error.code);
  }
  if (error instanceof UsageError) {
    if (json) out.json({ error: { code: "USAGE", message: error.message } });
    else err.write(`${err.paint("red", "draftfs:")} ${error.message}\n`);
    return exitCodes.usage;
  }
  const { code, path, message, stack } = error as NodeJS.ErrnoException;
  if (json) out.json({ error: { code, message, path } });
  else if (code === undefined) err.write(`${err.paint("red", "draftfs:")} ${stack ?? message}\n`);
  else err.write(`${err.paint("red", "draftfs:")} ${message}\n`);
  return code === undefined ? exitCodes.bug : exitCodes.failed;
}
