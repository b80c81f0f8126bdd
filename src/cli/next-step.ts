import type { CommonOptions } from "./command-context.ts";
import { printable } from "./terminal.ts";

/**
 * A command to go on with, on the same root and, where it has one, the same draft: as a shell takes
 * it.
 *
 * @param words - the command and its own arguments.
 */
export function nextStep(
  words: readonly string[],
  { directory, draft, trustOwner }: Pick<CommonOptions, "directory" | "draft" | "trustOwner">,
): string {
  const [command = "", ...rest] = words;
  const where = [
    ...(directory === undefined ? [] : ["-C", directory]),
    ...(draft === undefined || !draftCommands.has(command) ? [] : ["--draft", draft]),
    ...(trustOwner === true ? ["--trust-owner"] : []),
  ];
  return ["draftfs", command, ...where, ...rest].map(shellWord).join(" ");
}

/** The commands that work on a draft; the others know only the root. */
export const draftCommands: ReadonlySet<string> = new Set([
  "run",
  "try",
  "status",
  "diff",
  "commit",
  "discard",
  "plan",
]);

/** What can be done with a draft. */
export function nextSteps(options: CommonOptions): string {
  return ["diff", "commit", "discard"].map((command) => nextStep([command], options)).join(", ");
}

function shellWord(word: string): string {
  const text = printable(word);
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
