import type { CommandContext, CommonOptions } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { nextSteps } from "../next-step.ts";
import { draftNameOf, withOverlay } from "../open-root.ts";
import { changeLines, machineFigureLines, totalsText } from "../view/changes-view.ts";
import { unsupportedNote } from "../view/left-out.ts";
import { figuresDocument } from "../view/run-document.ts";
import { shownChangesOf, totalsOf } from "../view/shown-changes.ts";

/** `draftfs status`: what is pending, file by file. */
export function execute(context: CommandContext, options: CommonOptions): Promise<number> {
  const draft = draftNameOf(options);
  return withOverlay(
    context,
    options,
    async (overlay, { out, err }) => {
      const diff = await overlay.diff();
      const exitCode = diff.changes.length > 0 ? exitCodes.pending : exitCodes.ok;
      if (options.json === true) {
        out.json({ draft, recovered: overlay.recovered, ...figuresDocument(diff) });
      } else if (!out.isTerminal) {
        out.write(machineFigureLines(shownChangesOf(diff)));
      } else if (exitCode === exitCodes.ok) {
        out.write(`Nothing is pending in the draft ${draft}.\n`);
      } else {
        const shown = shownChangesOf(diff);
        out.write(changeLines(shown, out));
        out.write(`Draft ${draft}: ${totalsText(totalsOf(shown))}\n`);
        out.write(`Next: ${nextSteps(options)}.\n`);
      }
      if (options.json !== true) err.write(unsupportedNote(diff.changeSet.unsupported));
      return exitCode;
    },
    { readOnly: true },
  );
}
