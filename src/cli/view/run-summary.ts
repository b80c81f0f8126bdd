import type { Diff, RunResult } from "../../index.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { draftNameOf } from "../open-root.ts";
import { summaryLines } from "./change-summary.ts";
import { machineLines, totalsText } from "./changes-view.ts";
import { unsupportedNote } from "./left-out.ts";
import { writePatch } from "./patch-view.ts";
import { countText } from "./quantities.ts";
import { shownChangesOf, totalsOf } from "./shown-changes.ts";

/**
 * Tells on standard error what is pending after a command: in figures on a terminal, else one path
 * a line.
 *
 * @param options.showDiff shows the patch as well: on standard output when both are terminals, else
 *   on standard error, because standard output is the command's.
 */
export function showSummary(
  { err, out }: CommandContext,
  diff: Diff,
  result: RunResult,
  options: CommonOptions & { readonly showDiff?: boolean },
): void {
  const { changes } = diff;
  const draft = draftNameOf(options);
  if (!err.isTerminal) {
    err.write(machineLines(changes));
  } else if (changes.length === 0) {
    err.write(`\nNothing is pending in the draft ${draft}.\n`);
  } else {
    const shown = shownChangesOf(diff);
    err.write(`\n${summaryLines(shown, err)}`);
    err.write(`Draft ${draft}: ${totalsText(totalsOf(shown))}. Nothing on disk has changed.\n`);
    err.write(earlierText(diff, result));
  }
  err.write(unsupportedNote(diff.changeSet.unsupported));
  if (options.showDiff === true) writePatch(diff, out.isTerminal && err.isTerminal ? out : err);
}

/** Commit takes all that is pending, discard drops only this command's part: that must be said. */
function earlierText({ changes }: Diff, result: RunResult): string {
  const own = new Set<string>(result.changes.map(({ path }) => path));
  // The command is told to have removed a directory, and the diff lists what was in it.
  const removed = result.changes.flatMap(({ kind, path }) =>
    kind === "removed" ? `${path}/` : [],
  );
  const isOwn = (path: string): boolean =>
    own.has(path) || removed.some((directory) => path.startsWith(directory));
  const earlier = changes.filter(({ path }) => !isOwn(path)).length;
  if (earlier === 0) return "";
  const what = `${countText(earlier, "path")} of it ${earlier === 1 ? "was" : "were"} pending`;
  return `${what} before: commit takes all, discard drops only what this command did.\n`;
}
