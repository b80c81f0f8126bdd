import { collect, collectedCode, type KeepOptions, reportText, retentionOf } from "../collect.ts";
import type { CommandContext } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Use, withHistory } from "../open-root.ts";
import { countText } from "../view/quantities.ts";

/** `draftfs gc`: forgets old checkpoints and packs the rest together. */
export function execute(context: CommandContext, options: KeepOptions): Promise<number> {
  const collecting: Use<number> = async (overlay, { out }) => {
    if (options.dryRun === true) {
      const { kept, pruned } = await overlay.previewCollection(retentionOf(options));
      if (options.json === true) {
        out.json({ kept: kept.length, pruned: pruned.length });
      } else {
        const what = `${countText(kept.length, "checkpoint")}, and forget ${pruned.length}`;
        out.write(`Would keep ${what}. A dry run: nothing has changed.\n`);
      }
      return exitCodes.ok;
    }
    const report = await collect(context, overlay, options);
    if (options.json === true) out.json(report);
    else out.write(reportText(report));
    return collectedCode(report);
  };
  // What a retention that cannot be read was to keep must not be forgotten.
  return withHistory(context, options, collecting, {});
}
