import { descriptorAdvice } from "../../disk/node/descriptor-limit.ts";
import { isDraftError } from "../../errors.ts";
import { forCommandLine } from "../../ways.ts";
import type { CommandContext } from "../command-context.ts";
import { exitCodeOf, exitCodes } from "../exit-codes.ts";
import { printable } from "../terminal.ts";
import { UsageError } from "../usage-error.ts";
import { conflictLines } from "./conflict-view.ts";

/** Only of a commit can the level be chosen. */
const checksHint = "To do it all the same, commit with --checks minimal.\n";

const bugHint =
  "This is a mistake in draftfs. Please report it where you got draftfs from, with the command, " +
  "this text, and what draftfs --version and draftfs doctor print.\n";

/** Tells people on standard error what went wrong; returns the exit code. */
export function reportError({ err }: CommandContext, error: unknown): number {
  const title = err.paint("red", "draftfs:");
  const exitCode = exitCodeOfError(error);
  const { message, stack } = error as Error;
  // Only a mistake of ours needs to be found in the code.
  const isUnknown = exitCode === exitCodes.bug && !isDraftError(error);
  err.write(`${title} ${isUnknown ? (stack ?? message) : forCommandLine(message)}\n`);
  if ((error as NodeJS.ErrnoException).code === "EMFILE") err.write(`${descriptorAdvice()}\n`);
  if (isDraftError(error)) {
    const { code, details } = error;
    if (code === "DRAFT_CHECK_FAILED" && details["operation"] === "commit") err.write(checksHint);
    if (code === "DRAFT_CONFLICT") err.write(conflictLines(details, err));
    err.write(remainderLines(details));
  }
  if (exitCode === exitCodes.bug) err.write(bugHint);
  return exitCode;
}

/** An error as it stands in a document, for programs. */
export function errorDocument(error: unknown): Record<string, unknown> {
  if (isDraftError(error)) return { ...error.toJSON(), message: forCommandLine(error.message) };
  if (error instanceof UsageError) return { code: "USAGE", message: error.message };
  const { code, path, message } = error as NodeJS.ErrnoException;
  return { code, message, path };
}

/** The exit code for whatever was thrown. */
export function exitCodeOfError(error: unknown): number {
  if (isDraftError(error)) return exitCodeOf(error);
  if (error instanceof UsageError) return exitCodes.usage;
  return (error as NodeJS.ErrnoException).code === undefined ? exitCodes.bug : exitCodes.failed;
}

/** What draftfs could not do by itself and leaves to a person, one thing a line. */
function remainderLines(details: Readonly<Record<string, unknown>>): string {
  const left = details["leftToPerson"];
  if (!Array.isArray(left) || left.length === 0) return "";
  const lines = left.map((advice) => `  ${printable(String(advice))}\n`);
  return `Left to you:\n${lines.join("")}`;
}
