import { CommanderError } from "commander";
import type { CommandContext } from "./command-context.ts";
import { exitCodes } from "./exit-codes.ts";
import { programOf } from "./program.ts";
import { terminalOf } from "./terminal.ts";
import { errorDocument, exitCodeOfError, reportError } from "./view/error-report.ts";

/**
 * Parses and executes one command line.
 *
 * @param args - what follows `draftfs`.
 * @returns the exit code; everything else went to the standard streams.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", reportUnwritable);
  const context: CommandContext = {
    out: terminalOf(process.stdout, process.env),
    err: terminalOf(process.stderr, process.env),
    input: process.stdin,
  };
  let exitCode: number = exitCodes.ok;
  let isJson = false;
  const program = programOf(context, {
    started: (json) => {
      isJson = json;
    },
    done: (code) => {
      exitCode = code;
    },
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      // The parser has told people already.
      if (asksForJson(args)) context.out.json({ error: usageDocument(error) });
      return exitCodes.usage;
    }
    return report(context, error, isJson);
  }
}

let isUnwritable = false;

/** A reader that has seen enough (`draftfs diff | head`) is no failure; a full disk is. */
function reportUnwritable({ code, message }: NodeJS.ErrnoException): void {
  if (code === "EPIPE" || isUnwritable) return;
  isUnwritable = true;
  process.exitCode = exitCodes.failed;
  process.stderr.write(`draftfs: Cannot write all of the output: ${message}\n`);
}

/** Of arguments that could not be parsed; what stands behind `--` is about another program. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes("--json");
}

function usageDocument({ message }: CommanderError): Record<string, unknown> {
  return { code: "USAGE", message: message.replace(/^error: /, "") };
}

function report(context: CommandContext, error: unknown, json: boolean): number {
  if (!json) return reportError(context, error);
  context.out.json({ error: errorDocument(error) });
  return exitCodeOfError(error);
}
