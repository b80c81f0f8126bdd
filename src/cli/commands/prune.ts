import { collect, collectedCode, type KeepOptions, reportText, retentionOf } from "../collect.ts";
import type { CommandContext } from "../command-context.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Use, withHistory } from "../open-root.ts";
import { UsageError } from "../usage-error.ts";
import { checkpointDocument, checkpointLine } from "../view/checkpoint-view.ts";

/** `draftfs prune`: forgets the checkpoints beyond what it is told to keep, and names them. */
export function execute(context: CommandContext, options: KeepOptions): Promise<number> {
  if (options.keep === undefined && options.maxBytes === undefined) {
    throw new UsageError("Say what to keep: --keep COUNT checkpoints, --max-bytes SIZE, or both.");
  }
  const prune: Use<number> = async (overlay, { out }) => {
    const { kept, pruned } = await overlay.previewCollection(retentionOf(options));
    const isJson = options.json === true;
    const forgotten = pruned.map(checkpointDocument);
    if (!isJson) for (const checkpoint of pruned) out.write(checkpointLine(checkpoint, out));
    if (options.dryRun === true || pruned.length === 0) {
      if (isJson) out.json({ outcome: "nothing", kept: kept.length, pruned: 0, forgotten });
      else if (pruned.length === 0) out.write("There is nothing to forget.\n");
      else out.write("A dry run: nothing has been forgotten.\n");
      return exitCodes.ok;
    }
    const report = await collect(context, overlay, options);
    if (isJson) out.json({ ...report, forgotten: report.outcome === "collected" ? forgotten : [] });
    else out.write(reportText(report));
    return collectedCode(report);
  };
  // What a retention that cannot be read was to keep must not be forgotten.
  return withHistory(context, options, prune, {});
}
