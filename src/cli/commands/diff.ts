import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withOverlay } from "../open-root.ts";
import { patternsOf } from "../path-patterns.ts";
import { progressLine } from "../progress.ts";
import { changeLines, totalsText } from "../view/changes-view.ts";
import { commandDiffDocuments, writeCommandDiffs } from "../view/command-diff-view.ts";
import { patchNotes, unsupportedNote } from "../view/left-out.ts";
import { writePatch } from "../view/patch-view.ts";
import { figuresDocument } from "../view/run-document.ts";
import { shownChangesOf, totalsOf } from "../view/shown-changes.ts";

interface DiffOptions extends CommonOptions {
  readonly paths: readonly string[];
  readonly stat?: boolean;
  readonly byCommand?: boolean;
}

/** `draftfs diff`: what is pending, as a patch that `git apply` accepts. */
export function execute(context: CommandContext, options: DiffOptions): Promise<number> {
  return withOverlay(
    context,
    options,
    async (overlay, { out, err }) => {
      const include = await patternsOf(overlay, options, options.paths);
      const selection = include === undefined ? {} : { include };
      if (options.byCommand === true) {
        const parts = await overlay.diffByCommand(selection);
        const isStat = options.stat === true;
        if (options.json === true) out.json({ parts: commandDiffDocuments(parts, isStat) });
        else writeCommandDiffs(parts, out, isStat);
        return parts.length > 0 ? exitCodes.pending : exitCodes.ok;
      }
      const diff = await overlay.diff(selection);
      const { changes } = diff;
      if (options.json === true) {
        out.json({
          ...figuresDocument(diff),
          ...(options.stat === true ? {} : { patch: diff.toPatch().toString() }),
        });
      } else if (options.stat === true) {
        const shown = shownChangesOf(diff);
        out.write(changeLines(shown, out));
        if (changes.length > 0) out.write(` ${totalsText(totalsOf(shown))}\n`);
      } else {
        writePatch(diff, out, progressLine(err, "read"));
        err.write(patchNotes(diff));
      }
      if (options.json !== true) err.write(unsupportedNote(diff.changeSet.unsupported));
      return changes.length > 0 ? exitCodes.pending : exitCodes.ok;
    },
    { readOnly: true },
  );
}
