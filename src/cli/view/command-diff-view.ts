import type { CommandDiff } from "../../index.ts";
import type { Terminal } from "../terminal.ts";
import { changeLines, totalsText } from "./changes-view.ts";
import { wordsText } from "./checkpoint-view.ts";
import { writePatch } from "./patch-view.ts";
import { countText, durationText } from "./quantities.ts";
import { figuresDocument } from "./run-document.ts";
import { shownChangesOf, totalsOf } from "./shown-changes.ts";

/**
 * What is pending, a section a command: as a patch, in which `git apply` skips the headings, or as
 * lines of figures.
 */
export function writeCommandDiffs(
  parts: readonly CommandDiff[],
  out: Terminal,
  isStat: boolean,
): void {
  for (const { command, diff } of parts) {
    out.write(out.paint("bold", `# ${headingOf(command)}\n`));
    if (!isStat) {
      writePatch(diff, out);
      continue;
    }
    const shown = shownChangesOf(diff);
    out.write(`${changeLines(shown, out)} ${totalsText(totalsOf(shown))}\n`);
  }
}

/** The same as plain data. */
export function commandDiffDocuments(
  parts: readonly CommandDiff[],
  isStat: boolean,
): Record<string, unknown>[] {
  return parts.map(({ command, diff }) => ({
    command: command ?? null,
    ...figuresDocument(diff),
    ...(isStat ? {} : { patch: diff.toPatch().toString() }),
  }));
}

function headingOf(command: CommandDiff["command"]): string {
  if (command === undefined) return "not by a command";
  const { id, words, exitCode, elapsedMs, paths } = command;
  const how = `exit ${exitCode}, ${durationText(elapsedMs)}, ${countText(paths.length, "path")}`;
  return `${id}: ${wordsText(words)} (${how})`;
}
